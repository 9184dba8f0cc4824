//! Authorization of a request: RBAC, impersonation, and the rule that nobody grants more than they hold.

use std::sync::Arc;

use http::HeaderMap;
use object::{Status, Value};

use crate::api::{Api, Call};
use crate::authn::impersonation;
use crate::identity::Identity;
use crate::prepare::Part;
use crate::rbac::{Attributes, Decision};
use crate::request::RequestInfo;

impl RequestInfo {
    /// What the rules are asked about; `name` is [`RequestInfo::asked_name`].
    fn attributes<'a>(&'a self, user: &'a Identity, name: &'a str) -> Attributes<'a> {
        Attributes {
            user,
            verb: self.verb,
            group: &self.group,
            resource: &self.resource,
            subresource: &self.subresource,
            namespace: &self.namespace,
            name,
            path: if self.is_resource { "" } else { &self.path },
        }
    }
}

impl Api {
    /// Refuses what no rule allows.
    pub(crate) fn authorize(&self, identity: &Identity, info: &RequestInfo) -> Result<(), Status> {
        let name = info.asked_name();
        let attributes = info.attributes(identity, &name);
        self.allow(&attributes)
    }

    /// Refuses an update that creates its object, unless the client may do that too.
    pub(crate) fn authorize_creation(&self, call: &Call<'_>) -> Result<(), Status> {
        let name = call.info.asked_name();
        self.allow(&Attributes { verb: "create", ..call.info.attributes(call.identity, &name) })
    }

    fn allow(&self, attributes: &Attributes<'_>) -> Result<(), Status> {
        match self.rules.read().authorize(attributes) {
            Decision::Allow { .. } => Ok(()),
            Decision::NoOpinion { errors } => Err(attributes.forbidden(&errors)),
        }
    }

    /// The identity that the caller asks to act as, if it may.
    pub(crate) fn impersonate(
        &self,
        caller: Arc<Identity>,
        headers: &HeaderMap,
    ) -> Result<Arc<Identity>, Status> {
        let Some(wanted) = impersonation(headers)? else { return Ok(caller) };
        for check in &wanted.checks {
            self.allow(&check.attributes(&caller))?;
        }
        Ok(Arc::new(wanted.identity))
    }

    /// Whoever approves a certificate signing request, or writes its status, must be allowed to `approve` or `sign` for
    /// its signer, by the signer's name or by `DOMAIN/*` (upstream's admission plugins of that name).
    pub(crate) fn check_signer(&self, call: &Call<'_>, part: Part, request: &Value) -> Result<(), Status> {
        let verb = match part {
            Part::Of(&kinds::Part::APPROVAL) => "approve",
            Part::Of(&kinds::Part::STATUS) => "sign",
            _ => return Ok(()),
        };
        if call.kind.kind != "CertificateSigningRequest" {
            return Ok(());
        }
        let signer = request["spec"]["signerName"].as_str().unwrap_or_default();
        let domain = signer.split_once('/').map_or("", |(domain, _)| domain);
        let may = |name: &str| {
            let attributes = Attributes {
                user: call.identity,
                verb,
                group: &call.kind.group,
                resource: "signers",
                subresource: "",
                namespace: "",
                name,
                path: "",
            };
            self.allow(&attributes).is_ok()
        };
        if may(signer) || may(&format!("{domain}/*")) {
            return Ok(());
        }
        let why = format!("user not permitted to {verb} requests with signerName {signer:?}");
        Err(Status::forbidden(&call.kind.group, &call.kind.plural, &call.info.name, &why))
    }

    /// Whoever writes roles or bindings must hold what they grant, or may `escalate` or `bind`.
    pub(crate) fn check_escalation(
        &self,
        call: &Call<'_>,
        old: Option<&Value>,
        new: &Value,
    ) -> Result<(), Status> {
        if call.kind.group != crate::rbac::GROUP {
            return Ok(());
        }
        self.rules.read().check_escalation(call.identity, &call.kind.plural, call.namespace(), old, new)
    }
}
