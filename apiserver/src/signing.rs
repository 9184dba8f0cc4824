//! Certificates for those who ask for them by `certificates.k8s.io`: the server holds the authority's key, so it signs.
//!
//! A node's first certificate, and its later ones, are approved without a person, as upstream's controllers do it: whoever
//! may `create` `certificatesigningrequests/nodeclient` (or `selfnodeclient`, for its own name) gets one for a client
//! that is a node. All else is signed once somebody has approved it. [`judge`] decides, [`run`] acts.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cache::{Change, Follow, Source};
use client::Client;
use futures::StreamExt;
use kinds::Kind;
use object::{Key, PatchType, Time, Value, format_time};
use serde_json::json;

use crate::api::Api;
use crate::authn::bootstrap;
use crate::certs::{Request, Signed, Signing};
use crate::identity::{Identity, MASTERS, NODES};
use crate::rbac::{Attributes, Decision};

/// Certificates for clients that are nodes.
const KUBELET_CLIENT: &str = "kubernetes.io/kube-apiserver-client-kubelet";
/// Certificates for any client.
const CLIENT: &str = "kubernetes.io/kube-apiserver-client";
/// How long a certificate is good for, at most and unless asked for less.
const LONGEST: Duration = Duration::from_secs(365 * 86_400);
/// The shortest time that can be asked for (upstream's validation).
const SHORTEST: i64 = 600;
/// How many uses a bootstrap token has left, in its Secret.
const USES: &str = "berth.dev/uses-left";
/// How long a token outlives its last use.
const FETCH: Duration = Duration::from_secs(600);
/// How often one request is tried, which must not hold up others for ever.
const TRIES: usize = 5;
/// When what failed is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// What is to be done about a request.
#[derive(Debug, PartialEq)]
enum Verdict {
    /// Nothing: it is done with, or somebody must approve it first.
    Leave,
    /// Approve it, which is asked about again afterwards.
    Approve,
    /// Sign it, for so long.
    Sign(Duration),
    /// Tell why it cannot be signed.
    Fail(String),
}

/// Decides about a request. `may` tells whether its author may create this subresource of requests.
fn judge(document: &Value, may: impl Fn(&str) -> bool) -> Verdict {
    let (spec, status) = (&document["spec"], &document["status"]);
    let signer = spec["signerName"].as_str().unwrap_or_default();
    let conditions = status["conditions"].as_array().map_or(&[][..], Vec::as_slice);
    let has = |kind: &str| conditions.iter().any(|condition| condition["type"] == kind);
    let signed = status["certificate"].as_str().is_some_and(|text| !text.is_empty());
    if !matches!(signer, CLIENT | KUBELET_CLIENT) || has("Denied") || has("Failed") || signed {
        return Verdict::Leave;
    }
    let request = match read(spec) {
        Ok(request) => request,
        Err(why) => return if has("Approved") { Verdict::Fail(why) } else { Verdict::Leave },
    };
    if signer == KUBELET_CLIENT && !is_node(&request, spec) {
        let why = "it is not for a node: system:node:NAME of system:nodes, for client auth alone".to_owned();
        return if has("Approved") { Verdict::Fail(why) } else { Verdict::Leave };
    }
    if request.groups.iter().any(|group| group == MASTERS) {
        // who is in it may do everything, for as long as the certificate holds: that is not for requests
        let why = format!("certificates of the group {MASTERS} are not signed");
        return if has("Approved") { Verdict::Fail(why) } else { Verdict::Leave };
    }
    if !has("Approved") {
        let own = spec["username"] == request.user.as_str();
        let may = may("nodeclient") || own && may("selfnodeclient");
        return if signer == KUBELET_CLIENT && may { Verdict::Approve } else { Verdict::Leave };
    }
    let asked = spec["expirationSeconds"].as_i64().map(|seconds| seconds.max(SHORTEST).unsigned_abs());
    Verdict::Sign(asked.map_or(LONGEST, |seconds| LONGEST.min(Duration::from_secs(seconds))))
}

/// The request inside the document.
fn read(spec: &Value) -> Result<Request, String> {
    let text = spec["request"].as_str().unwrap_or_default();
    let pem = STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    Request::read(&pem.ok_or("the request is not PEM")?)
}

/// Whether a request is for a client that is a node.
fn is_node(request: &Request, spec: &Value) -> bool {
    let usages: Vec<&str> =
        spec["usages"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let known = ["client auth", "digital signature", "key encipherment"];
    request.groups == [NODES]
        && request.user.strip_prefix("system:node:").is_some_and(|name| !name.is_empty())
        && !request.has_names
        && usages.contains(&"client auth")
        && usages.iter().all(|usage| known.contains(usage))
}

/// Approves and signs, for as long as the process lives.
pub(crate) async fn run(api: Arc<Api>, client: Client, source: Arc<dyn Source>, signing: Signing) {
    let Some(kind) = api.kinds.kind("certificates.k8s.io", "CertificateSigningRequest").cloned() else {
        return;
    };
    let mut changes = source.follow(Follow::all(&kind));
    while let Some(change) = changes.next().await {
        let documents = match change {
            Change::Reset { objects, .. } => objects,
            Change::Put(document) => vec![document],
            Change::Gone { .. } | Change::Progress(_) => continue,
        };
        for document in documents {
            let key = document.key.clone();
            for _ in 0..TRIES {
                let Err(error) = act(&api, &client, &kind, &key, &signing).await else { break };
                tracing::warn!(request = key.name, %error, "not signed");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// Takes a request as far as it goes.
async fn act(
    api: &Api,
    client: &Client,
    kind: &Kind,
    key: &Key,
    signing: &Signing,
) -> Result<(), client::Error> {
    // a use is taken once, however often the writing has to be done again
    let mut paid = false;
    loop {
        let document = match client.get(kind, key).await {
            Err(error) if error.is_not_found() => return Ok(()),
            other => other?,
        };
        let author = author(&document["spec"]);
        let may = |subresource: &str| may(api, &author, subresource);
        let now = Time::now();
        let patched = match judge(&document, may) {
            Verdict::Leave => return Ok(()),
            Verdict::Approve => {
                let message = "Auto approving kubelet client certificate after SubjectAccessReview.";
                let approved = condition("Approved", "AutoApproved", message, now);
                write(client, kind, key, &document, "approval", with(&document, approved)).await
            }
            Verdict::Fail(why) => {
                let failed = condition("Failed", "SignerValidationFailure", &why, now);
                write(client, kind, key, &document, "status", with(&document, failed)).await
            }
            Verdict::Sign(time) => {
                paid = paid || take_use(api, client, &author, now).await?;
                let made = match paid {
                    true => read(&document["spec"]).and_then(|request| signing.sign(request, time, now)),
                    false => Err("the bootstrap token is used up".to_owned()),
                };
                match made {
                    Err(why) => {
                        let failed = condition("Failed", "SignerValidationFailure", &why, now);
                        write(client, kind, key, &document, "status", with(&document, failed)).await
                    }
                    Ok(Signed(pem)) => {
                        let status = json!({"certificate": STANDARD.encode(&pem)});
                        let written = write(client, kind, key, &document, "status", status).await;
                        if written.is_ok() {
                            tracing::info!(request = key.name, user = author.user, "signed");
                        }
                        written
                    }
                }
            }
        };
        match patched {
            // somebody else was faster: look again
            Err(error) if error.is_conflict() => {}
            Err(error) if error.is_not_found() => return Ok(()),
            other => other?,
        }
    }
}

/// Who sent a request, as the server noted it then.
fn author(spec: &Value) -> Identity {
    let groups = spec["groups"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let groups: Vec<&str> = groups.collect();
    Identity::new(spec["username"].as_str().unwrap_or_default(), &groups)
}

fn may(api: &Api, author: &Identity, subresource: &str) -> bool {
    let attributes = Attributes {
        user: author,
        verb: "create",
        group: "certificates.k8s.io",
        resource: "certificatesigningrequests",
        subresource,
        namespace: "",
        name: "",
        path: "",
    };
    matches!(api.rules.read().authorize(&attributes), Decision::Allow { .. })
}

fn condition(kind: &str, reason: &str, message: &str, now: Time) -> Value {
    let now = format_time(now);
    json!({
        "type": kind, "status": "True", "reason": reason, "message": message,
        "lastUpdateTime": now, "lastTransitionTime": now,
    })
}

/// The status of a document with a condition more.
fn with(document: &Value, condition: Value) -> Value {
    let mut conditions = document["status"]["conditions"].as_array().cloned().unwrap_or_default();
    conditions.push(condition);
    json!({"conditions": conditions})
}

/// Writes to the status by a subresource, unless the request changed since it was read.
async fn write(
    client: &Client,
    kind: &Kind,
    key: &Key,
    document: &Value,
    subresource: &str,
    status: Value,
) -> Result<(), client::Error> {
    let patch = json!({
        "metadata": {"resourceVersion": document["metadata"]["resourceVersion"]}, "status": status,
    });
    client.patch(kind, key, Some(subresource), PatchType::Merge, &patch).await.map(drop)
}

/// Takes a use of the author's bootstrap token, where its uses are counted. Whether there was one; none is left as well
/// where the token is gone. Who took the last one still has to fetch what he asked for: the token goes a while later.
async fn take_use(api: &Api, client: &Client, author: &Identity, now: Time) -> Result<bool, client::Error> {
    let Some(id) = author.user.strip_prefix(bootstrap::USER_PREFIX) else { return Ok(true) };
    let Some(kind) = api.kinds.kind("", "Secret") else { return Ok(false) };
    let key = Key::new(bootstrap::NAMESPACE, format!("{}{id}", bootstrap::PREFIX));
    loop {
        let secret = match client.get(kind, &key).await {
            Err(error) if error.is_not_found() => return Ok(false),
            other => other?,
        };
        let meta = &secret["metadata"];
        let Some(left) = meta["annotations"][USES].as_str() else { return Ok(true) };
        let Some(left) = left.parse::<u32>().ok().and_then(|left| left.checked_sub(1)) else {
            return Ok(false);
        };
        let mut patch = json!({"metadata": {
            "resourceVersion": meta["resourceVersion"], "annotations": {USES: left.to_string()},
        }});
        if left == 0 {
            patch["stringData"] = json!({"expiration": format_time(now + FETCH)});
        }
        match client.patch(kind, &key, None, PatchType::Merge, &patch).await {
            Err(error) if error.is_conflict() => {}
            Err(error) => return Err(error),
            Ok(_) => return Ok(true),
        }
    }
}

#[cfg(test)]
mod tests;
