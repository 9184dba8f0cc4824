//! Rules of secrets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use object::{FieldError, FieldErrors, Value};

use super::config_map::{check_frozen, check_size, decoded_size};
use crate::rules::{At, Errors, Read, Write};
use crate::{Strategy, warnings};

/// Keys that a type of secret must have.
const KEYS: [(&str, &[&str]); 4] = [
    ("kubernetes.io/dockercfg", &[".dockercfg"]),
    ("kubernetes.io/dockerconfigjson", &[".dockerconfigjson"]),
    ("kubernetes.io/ssh-auth", &["ssh-privatekey"]),
    ("kubernetes.io/tls", &["tls.crt", "tls.key"]),
];
const ACCOUNT: &str = "kubernetes.io/service-account.name";

/// Strategy of secrets.
pub(crate) struct Secret;

impl Strategy for Secret {
    /// `stringData` is a way to write `data` without base64.
    fn default(&self, secret: &mut Value) {
        let Some(Value::Object(texts)) = secret.remove("stringData") else { return };
        if texts.is_empty() {
            return;
        }
        let mut data = secret.at("data").as_object().cloned().unwrap_or_default();
        for (key, text) in texts {
            data.insert(key, STANDARD.encode(text.as_str().unwrap_or_default()).into());
        }
        secret.put("data", data);
    }

    fn validate(&self, secret: &Value) -> FieldErrors {
        let (root, mut errors) = (At::root(secret), Errors::new());
        for (key, entry) in root.each_entry("data") {
            errors.obey(&entry.path(""), key, object::config_map_key);
        }
        check_size(decoded_size(secret, "data"), &root.path("data"), &mut errors);
        check_type(&root, &mut errors);
        errors.done()
    }

    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        check_frozen(new, old, &["data"])
    }

    fn warnings(&self, new: &Value, _: Option<&Value>) -> Vec<String> {
        if new.text("type") != "kubernetes.io/tls" {
            return Vec::new();
        }
        let file = |key: &str| {
            let text = new.at("data").get(key).and_then(Value::as_str).unwrap_or_default();
            STANDARD.decode(text).unwrap_or_default()
        };
        warnings::tls_pair(&file("tls.crt"), &file("tls.key")).into_iter().collect()
    }
}

fn check_type(secret: &At, errors: &mut Errors) {
    let (kind, data) = (secret.text("type"), secret.at("data"));
    for (_, keys) in KEYS.iter().filter(|(of, _)| *of == kind) {
        let lacks = |key: &str| match data.get(key) {
            None => true,
            Some(value) => kind == "kubernetes.io/ssh-auth" && value == "",
        };
        for key in keys.iter().filter(|key| lacks(key)) {
            errors.push(FieldError::required(&secret.path("data").key(key), ""));
        }
    }
    match kind {
        "kubernetes.io/basic-auth" if data.get("username").is_none() && data.get("password").is_none() => {
            for key in ["username", "password"] {
                errors.push(FieldError::required(&secret.path("data").key(key), ""));
            }
        }
        "kubernetes.io/dockercfg" => check_json(secret, ".dockercfg", errors),
        "kubernetes.io/dockerconfigjson" => check_json(secret, ".dockerconfigjson", errors),
        "kubernetes.io/service-account-token" => check_account(secret, errors),
        _ => {}
    }
}

fn check_account(secret: &At, errors: &mut Errors) {
    let account = secret.at("metadata.annotations").get(ACCOUNT).and_then(Value::as_str).unwrap_or_default();
    if account.is_empty() {
        errors.push(FieldError::required(&secret.path("metadata.annotations").key(ACCOUNT), ""));
    }
}

fn check_json(secret: &At, key: &str, errors: &mut Errors) {
    let Some(text) = secret.at("data").get(key).and_then(Value::as_str) else { return };
    let bytes = STANDARD.decode(text).unwrap_or_default();
    if let Err(wrong) = serde_json::from_slice::<serde::de::IgnoredAny>(&bytes) {
        let at = secret.path("data").key(key);
        errors.push(FieldError::invalid(&at, "<secret contents redacted>", wrong.to_string()));
    }
}
