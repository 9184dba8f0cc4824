//! `TokenRequest` and `TokenReview`: giving service account tokens, and telling whom one speaks for.

use std::sync::Arc;

use cache::WatchCache;
use object::{FieldError, Key, Meta, Path, Status, Time, Value, format_time};
use serde::Deserialize;
use serde_json::json;

use crate::access_review::token_review;
use crate::api::{Answer, Api, Call};
use crate::authn::{Objects, bootstrap};
use crate::tokens::{Bound, Claims, Reference, TokenError};
use crate::write::not_found;

/// What is asked for tokens with.
const GROUP: &str = "authentication.k8s.io";
const KIND: &str = "TokenRequest";

/// Seconds that a token lives at least, and unless asked otherwise (upstream's bounds).
const MIN_SECONDS: i64 = 600;
const DEFAULT_SECONDS: i64 = 3600;
const MAX_SECONDS: i64 = 1 << 32;

/// What tokens are bound to, as the watch cache has it.
pub(crate) struct CachedUids(pub(crate) Arc<WatchCache>);

impl Objects for CachedUids {
    fn uid(&self, resource: &str, namespace: &str, name: &str) -> Option<String> {
        #[derive(Deserialize)]
        struct Object {
            metadata: Meta,
        }
        let entry = self.0.get(resource, &Key::new(namespace, name))?;
        let object: Object = serde_json::from_slice(&entry.document()).ok()?;
        Some(object.metadata.uid)
    }

    fn bootstrap_token(&self, id: &str) -> Option<Vec<u8>> {
        let key = Key::new(bootstrap::NAMESPACE, format!("{}{id}", bootstrap::PREFIX));
        Some(self.0.get("secrets", &key)?.document().to_vec())
    }
}

impl Api {
    /// `serviceaccounts/token`: a token for the account, bound to what the request names.
    pub(crate) async fn token(&self, call: &mut Call<'_>, mut request: Value) -> Result<Answer, Status> {
        let asked = Meta::of(&request);
        check_name(&call.info.name, &asked.name)?;
        let stored = self.objects.get(&call.kind, &call.key()).await?;
        let account = Meta::of(&stored.ok_or_else(|| not_found(&call.kind, &call.key()))?.value);
        check_account(&asked, &account)?;
        let seconds = request["spec"]["expirationSeconds"].as_i64().unwrap_or(DEFAULT_SECONDS);
        check_seconds(&account.name, seconds)?;
        let mut audiences: Vec<String> = texts(&request["spec"]["audiences"]);
        if audiences.is_empty() {
            audiences = self.authenticator.audiences().to_vec();
        }
        let mut bound = Bound {
            namespace: account.namespace.clone(),
            serviceaccount: Reference { name: account.name.clone(), uid: account.uid.clone() },
            ..Bound::default()
        };
        self.bind_token(&account, &request["spec"]["boundObjectRef"], &mut bound).await?;
        let id = uuid::Uuid::new_v4().to_string();
        let claims = Claims::new(self.signer.issuer(), &audiences, bound, seconds, id, call.now);
        let token = self.signer.sign(&claims).map_err(Status::internal)?;
        let end = Time::from_second(claims.exp).map(format_time).unwrap_or_default();
        for (field, text) in [
            ("name", account.name),
            ("namespace", account.namespace),
            ("uid", account.uid),
            ("creationTimestamp", format_time(call.now)),
        ] {
            request["metadata"][field] = text.into();
        }
        request["spec"]["audiences"] = audiences.into();
        request["spec"]["expirationSeconds"] = seconds.into();
        request["status"] = json!({"token": token, "expirationTimestamp": end});
        Ok(Answer::document(201, request))
    }

    /// Binds a token to the object it names, which must be there.
    async fn bind_token(&self, account: &Meta, reference: &Value, bound: &mut Bound) -> Result<(), Status> {
        if reference.is_null() {
            return Ok(());
        }
        let name = reference["name"].as_str().unwrap_or_default();
        let uid = reference["uid"].as_str().unwrap_or_default();
        let kind_name = reference["kind"].as_str().unwrap_or_default();
        let namespace = if kind_name == "Node" { "" } else { account.namespace.as_str() };
        let kind = match kind_name {
            "Pod" | "Secret" | "Node" => self.kinds.kind("", kind_name).ok_or_else(Status::no_such_path)?,
            other => return Err(Status::bad_request(format!("cannot bind token to a {other:?} object"))),
        };
        let key = Key::new(namespace, name);
        let stored = self.objects.get(kind, &key).await?.ok_or_else(|| not_found(kind, &key))?;
        let meta = Meta::of(&stored.value);
        if !uid.is_empty() && uid != meta.uid {
            let why = format!(
                "the UID in the bound object reference ({uid}) does not match the UID in record. The object might have been deleted and then recreated"
            );
            return Err(Status::conflict(&kind.group, &kind.plural, name, &why));
        }
        let found = Some(Reference { name: meta.name, uid: meta.uid });
        match kind_name {
            "Pod" => {
                let node = stored.value["spec"]["nodeName"].as_str().filter(|n| !n.is_empty());
                bound.node = node.map(|name| Reference { name: name.to_owned(), uid: String::new() });
                bound.pod = found;
            }
            "Secret" => bound.secret = found,
            _ => bound.node = found,
        }
        Ok(())
    }

    /// `TokenReview`: whom the token speaks for.
    pub(crate) fn review_token(&self, review: Value, now: Time) -> Result<Value, Status> {
        token_review(review, |token, audiences| {
            let own = self.authenticator.audiences();
            let (identity, audiences) =
                self.authenticator.token(token, if audiences.is_empty() { own } else { audiences }, now)?;
            Ok::<_, TokenError>((identity.to_value(), audiences))
        })
    }
}

/// The name that a request states must be its account's.
fn check_name(account: &str, stated: &str) -> Result<(), Status> {
    if stated.is_empty() || stated == account {
        return Ok(());
    }
    let why = "must match the service account name if specified";
    let error = FieldError::invalid(&Path::new("metadata.name"), stated, why);
    Err(Status::invalid(GROUP, KIND, account, &[error]))
}

/// The UID that a request states must be its account's.
fn check_account(asked: &Meta, account: &Meta) -> Result<(), Status> {
    if asked.uid.is_empty() || asked.uid == account.uid {
        return Ok(());
    }
    let why = format!(
        "the UID in the token request ({}) does not match the UID of the service account ({})",
        asked.uid, account.uid
    );
    Err(Status::conflict(GROUP, KIND, &account.name, &why))
}

fn check_seconds(name: &str, seconds: i64) -> Result<(), Status> {
    let text = match seconds {
        s if s < MIN_SECONDS => "may not specify a duration less than 10 minutes",
        s if s > MAX_SECONDS => "may not specify a duration larger than 2^32 seconds",
        _ => return Ok(()),
    };
    let error = FieldError::invalid(&Path::new("spec.expirationSeconds"), seconds, text);
    Err(Status::invalid(GROUP, KIND, name, &[error]))
}

fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().map_or(&[][..], Vec::as_slice);
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}
