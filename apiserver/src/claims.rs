//! Claims: what only one object may hold, each a hidden key that goes with the object's own transaction. A kind's
//! strategy lists them; what it leaves open is drawn, what it asks for is checked. And the namespace gate.

mod addresses;
mod blocks;
mod draw;
mod gate;
mod ports;
mod ranges;
mod repair;

use bytes::Bytes;
use kinds::{Claim, Kind, settle_families};
use object::{FieldError, Meta, Status, Value};

use crate::api::Api;
use crate::objects::Hidden;
pub use ranges::{PodRange, ServiceRange};

impl Api {
    /// Completes the object's claims and says which hidden keys change, compared with what `old` held.
    pub(crate) async fn claim(
        &self,
        kind: &Kind,
        object: &mut Value,
        old: Option<&Value>,
    ) -> Result<Hidden, Status> {
        if !kind.policy.claims {
            return Ok(Hidden::default());
        }
        if kind.strategy.claims(object).contains(&Claim::Families) {
            let errors = settle_families(object, old, &self.services.families());
            invalid_unless_empty(kind, object, &errors)?;
        }
        let asked = self.held(kind, object);
        for claim in kind.strategy.claims(object) {
            self.complete_claim(object, old, claim).await?;
        }
        let before = old.map(|old| self.held(kind, old)).unwrap_or_default();
        let after = self.held(kind, object);
        let take: Vec<Bytes> = after.iter().filter(|key| !before.contains(key)).cloned().collect();
        let release = before.into_iter().filter(|key| !after.contains(key)).collect();
        // what was drawn was free; if that changed meanwhile, another try draws again
        let new: Vec<Bytes> = asked.into_iter().filter(|key| take.contains(key)).collect();
        self.check_claims(kind, object, old, &new).await?;
        Ok(Hidden { take, release, require: Vec::new() })
    }

    /// The hidden keys that an object, as stored, holds.
    pub(crate) fn held(&self, kind: &Kind, object: &Value) -> Vec<Bytes> {
        if !kind.policy.claims {
            return Vec::new();
        }
        let mut keys: Vec<Bytes> = kind.strategy.claims(object).iter().filter_map(key).collect();
        keys.sort();
        keys.dedup();
        keys
    }

    /// Draws what a claim leaves open and writes it into the object.
    async fn complete_claim(
        &self,
        object: &mut Value,
        old: Option<&Value>,
        claim: Claim,
    ) -> Result<(), Status> {
        match claim {
            Claim::ClusterIp { index, family, address: None } => {
                let address = self.free_address(family).await?.to_string();
                addresses::put(&mut object["spec"], index, address);
            }
            Claim::NodePort { index, port: None } => {
                let port = match ports::of_same_number(&object["spec"], index) {
                    Some(port) => port,
                    None => self.free_port(&object["spec"], "nodePort").await?.into(),
                };
                object["spec"]["ports"][index]["nodePort"] = port;
            }
            Claim::HealthPort(None) => {
                let port = self.free_port(&object["spec"], "HealthCheck NodePort").await?;
                object["spec"]["healthCheckNodePort"] = port.into();
            }
            Claim::PodCidr(None) if blocks::is_wanted(object, old) => {
                if let Some(block) = self.free_block().await? {
                    object["spec"]["podCIDR"] = block.to_string().into();
                    object["spec"]["podCIDRs"] = vec![block.to_string()].into();
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// What is asked for, the keys `new`, must be in range and free: a clear error is better than a lost race.
    async fn check_claims(
        &self,
        kind: &Kind,
        object: &Value,
        old: Option<&Value>,
        new: &[Bytes],
    ) -> Result<(), Status> {
        let mut errors = Vec::new();
        for claim in kind.strategy.claims(object) {
            if let Claim::HealthPort(Some(port)) = claim {
                errors.extend(ports::clash(&object["spec"], port));
            }
            let Some(key) = key(&claim).filter(|key| new.contains(key)) else { continue };
            let is_held = self.objects.holds(&key).await?;
            let error: Option<FieldError> = match claim {
                Claim::ClusterIp { address: Some(address), .. } => {
                    self.check_address(&object["spec"], address, is_held).await?
                }
                Claim::Address(_) if is_held => return Err(addresses::held_by_another(kind, object, old)),
                Claim::NodePort { index, port: Some(port) } => self.check_node_port(index, port, is_held),
                Claim::HealthPort(Some(port)) => {
                    self.check_health_port(port, is_held)?;
                    None
                }
                Claim::PodCidr(Some(block)) if is_held => {
                    Some(self.block_of_another(kind, object, &block).await?)
                }
                _ => None,
            };
            errors.extend(error);
        }
        invalid_unless_empty(kind, object, &errors)
    }
}

/// The hidden key of a claim; none of one that is open.
fn key(claim: &Claim) -> Option<Bytes> {
    Some(match claim {
        Claim::ClusterIp { address: Some(address), .. } | Claim::Address(address) => {
            format!("/.address/{address}").into()
        }
        Claim::NodePort { port: Some(port), .. } | Claim::HealthPort(Some(port)) => ports::key(*port),
        Claim::PodCidr(Some(block)) => blocks::key(block),
        _ => return None,
    })
}

fn invalid_unless_empty(kind: &Kind, object: &Value, errors: &[FieldError]) -> Result<(), Status> {
    if errors.is_empty() {
        return Ok(());
    }
    Err(Status::invalid(&kind.group, &kind.kind, &Meta::of(object).name, errors))
}
