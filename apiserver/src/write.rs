//! Create, update, patch, delete: decode, default, prepare, validate, claim, and one store transaction, once for
//! all kinds.

use http::HeaderMap;
use kinds::Kind;
use object::{FieldError, Key, Meta, Path, Status, Value};

use crate::admission::Subject;
use crate::api::{Answer, Api, Call};
use crate::body;
use crate::deletion::{self, DeleteOptions, Deletion, Preconditions};
use crate::objects::{Hidden, Refused, Save, Saved, Stored};
use crate::patch::Patch;
use crate::prepare::{self, Part};

/// How often a write is tried again after losing a race that its client did not ask to be told of.
const TRIES: usize = 16;

/// Where the new state of an updated object comes from.
pub(crate) enum Change<'a> {
    /// The client sent the whole object.
    Replace(&'a Value),
    /// The client sent a patch.
    Patch(&'a Patch),
    /// The server computes it.
    Server(&'a (dyn Fn(&mut Value) -> Result<(), Status> + Sync)),
}

impl Api {
    /// Creates the object in `body`.
    pub(crate) async fn create(&self, call: &mut Call<'_>, mut object: Value) -> Result<Answer, Status> {
        let kind = call.kind.clone();
        call.warnings.extend(kinds::dedup_owners(&mut object, false));
        self.admit(&Subject::new(call, &kind, &object), &mut object).await?;
        let fresh =
            prepare::Fresh { now: call.now, uid: uuid::Uuid::new_v4().to_string(), suffix: random_suffix() };
        let key = prepare::create(&kind, &mut object, &call.info.namespace, fresh)?;
        kind.strategy.requested_by(&mut object, &call.identity.to_value());
        prepare::settle(&kind, &mut object)?;
        invalid_unless_empty(&kind, &key, prepare::validate_create(&kind, &call.served, &object))?;
        call.warnings.extend(kind.strategy.warnings(&object, None));
        self.judge(&Subject::new(call, &kind, &object), &object).await?;
        self.check_escalation(call, None, &object)?;
        for _ in 0..TRIES {
            let mut filled = object.clone();
            let mut hidden = self.claim(&kind, &mut filled, None).await?;
            self.gate(&kind, &key, None, Some(&filled), &mut hidden);
            if call.dry_run {
                self.check_gate(&call.served, &key, &hidden).await?;
                return match self.objects.get(&kind, &key).await? {
                    Some(_) => Err(already_exists(&call.served, &key)),
                    None => Ok(Answer::document(201, filled)),
                };
            }
            match self.objects.save(&kind, &key, Save::Create(&filled), &hidden).await {
                Ok(saved) => return Ok(Answer::Saved { code: 201, saved }),
                Err(Refused::Stale) => return Err(already_exists(&call.served, &key)),
                Err(Refused::Taken) => continue,
                Err(Refused::Closed) => return Err(self.namespace_closed(&call.served, &key).await),
                Err(Refused::Failed(status)) => return Err(status),
            }
        }
        Err(busy(&call.served, &key))
    }

    /// Changes an object; the races that the client's resourceVersion does not cover are run again.
    pub(crate) async fn update(
        &self,
        call: &mut Call<'_>,
        part: Part,
        change: Change<'_>,
    ) -> Result<Answer, Status> {
        let kind = call.kind.clone();
        let key = call.key();
        for _ in 0..TRIES {
            let Some(old) = self.objects.get(&kind, &key).await? else {
                return match change {
                    Change::Replace(object) if kind.policy.create_on_update && part == Part::Main => {
                        let wanted = Meta::of(object);
                        check_place(&key, &wanted)?;
                        check_uid(&call.served, &key, &wanted.uid, "")?;
                        self.authorize_creation(call)?;
                        Box::pin(self.create(call, object.clone())).await
                    }
                    _ => Err(not_found(&call.served, &key)),
                };
            };
            let warned = call.warnings.len();
            let new = self.changed(call, part, &change, &old).await?;
            if !prepare::differs(&new, &old.value) {
                return Ok(Answer::document(200, old.value));
            }
            match self.replace(call, &key, new, &old).await {
                Ok(answer) => return Ok(answer),
                Err(Refused::Stale | Refused::Taken) => call.warnings.truncate(warned),
                Err(Refused::Closed) => return Err(self.namespace_closed(&call.served, &key).await),
                Err(Refused::Failed(status)) => return Err(status),
            }
        }
        Err(busy(&call.served, &key))
    }

    /// The validated new state of an object.
    async fn changed(
        &self,
        call: &mut Call<'_>,
        part: Part,
        change: &Change<'_>,
        old: &Stored,
    ) -> Result<Value, Status> {
        let kind = call.kind.clone();
        let key = call.key();
        let mut new = match change {
            Change::Replace(object) => (*object).clone(),
            Change::Patch(patch) => {
                let shown = show(&call.served, old.value.clone());
                let served = call.served.clone();
                let mut new = patch.apply(&served.schema, &shown)?;
                let unreadable = |why: String| match patch.apply(&served.schema, &shown) {
                    Ok(made) => patch.unreadable(&made, &why),
                    Err(status) => status,
                };
                self.shape(call, &mut new, &patch.duplicates, &unreadable)?;
                new
            }
            Change::Server(edit) => {
                let mut new = old.value.clone();
                edit(&mut new)?;
                new
            }
        };
        call.warnings.extend(kinds::dedup_owners(&mut new, matches!(change, Change::Patch(..))));
        check_identity(call, &key, change, &new, &old.value)?;
        let subject = Subject::change(call, &kind, part, &old.value);
        if let Some(subject) = &subject {
            self.admit(subject, &mut new).await?;
        }
        prepare::update(&kind, part, &mut new, &old.value, call.now)?;
        let errors = prepare::validate_update(&kind, &call.served, part, &new, &old.value);
        invalid_unless_empty(&kind, &key, errors)?;
        match part {
            Part::Main => call.warnings.extend(kind.strategy.warnings(&new, Some(&old.value))),
            Part::Of(&kinds::Part::STATUS) => call.warnings.extend(kind.strategy.status_warnings(&new)),
            Part::Of(_) | Part::Server => {}
        }
        if part == Part::Main {
            self.check_escalation(call, Some(&old.value), &new)?;
        }
        self.check_signer(call, part, &old.value)?;
        if let Some(subject) = &subject {
            self.judge(subject, &new).await?;
        }
        Ok(new)
    }

    async fn replace(
        &self,
        call: &Call<'_>,
        key: &Key,
        mut new: Value,
        old: &Stored,
    ) -> Result<Answer, Refused> {
        let kind = &call.kind;
        let mut hidden = self.claim(kind, &mut new, Some(&old.value)).await.map_err(Refused::Failed)?;
        if deletion::is_finished(kind, &new) {
            if call.dry_run {
                return Ok(Answer::document(200, new));
            }
            return Ok(Answer::Saved { code: 200, saved: self.remove(kind, key, &new, old).await? });
        }
        if call.dry_run {
            return Ok(Answer::document(200, new));
        }
        self.gate(kind, key, Some(&old.value), Some(&new), &mut hidden);
        let saved = self.objects.save(kind, key, Save::Replace(&new, old.revision), &hidden).await?;
        Ok(Answer::Saved { code: 200, saved })
    }

    async fn remove(&self, kind: &Kind, key: &Key, last: &Value, old: &Stored) -> Result<Saved, Refused> {
        let mut hidden = Hidden { release: self.held(kind, &old.value), ..Hidden::default() };
        self.gate(kind, key, Some(&old.value), None, &mut hidden);
        self.objects.save(kind, key, Save::Remove(last, old.revision), &hidden).await
    }

    /// Deletes an object, or marks it and lets its finalizers, or its node, finish.
    pub(crate) async fn delete(&self, call: &Call<'_>, options: &DeleteOptions) -> Result<Answer, Status> {
        let (kind, served) = (&call.kind, &call.served);
        let key = call.key();
        let none = Preconditions::default();
        for _ in 0..TRIES {
            let old = self.objects.get(kind, &key).await?.ok_or_else(|| not_found(served, &key))?;
            let meta = Meta::of(&old.value);
            if let Some(why) = kind.strategy.stays(&old.value) {
                return Err(Status::forbidden(&served.group, &served.plural, &key.name, why));
            }
            deletion::check_preconditions(
                kind,
                &key,
                options.preconditions.as_ref().unwrap_or(&none),
                &meta,
            )?;
            let waits = options.code_of_waiting();
            let outcome = match deletion::decide(kind, &old.value, options, call.now) {
                Deletion::Wait => return Ok(Answer::document(waits, old.value)),
                Deletion::Mark(marked) if call.dry_run => return Ok(Answer::document(waits, marked)),
                Deletion::Remove if call.dry_run => {
                    return Ok(removed(call, &meta, || Answer::document(200, old.value)));
                }
                Deletion::Mark(marked) => {
                    let mut hidden = Hidden::default();
                    self.gate(kind, &key, Some(&old.value), Some(&marked), &mut hidden);
                    let saved =
                        self.objects.save(kind, &key, Save::Replace(&marked, old.revision), &hidden).await;
                    saved.map(|saved| Answer::Saved { code: waits, saved })
                }
                Deletion::Remove => {
                    let gone = self.remove(kind, &key, &old.value, &old).await;
                    gone.map(|saved| removed(call, &meta, || Answer::Saved { code: 200, saved }))
                }
            };
            match outcome {
                Ok(answer) => return Ok(answer),
                Err(Refused::Failed(status)) => return Err(status),
                Err(Refused::Stale | Refused::Taken | Refused::Closed) => continue,
            }
        }
        Err(busy(served, &key))
    }

    /// Makes what is stored of a document as it is served: its type, strict decoding as the client asked for, then the
    /// schema's defaults and the kind's. `unreadable` says that the document is not one of the kind.
    pub(crate) fn shape(
        &self,
        call: &mut Call<'_>,
        object: &mut Value,
        duplicates: &[String],
        unreadable: &dyn Fn(String) -> Status,
    ) -> Result<(), Status> {
        let served = call.served.clone();
        let version = served.api_version();
        let expected = (version.as_str(), served.kind.as_str());
        call.conform(object, duplicates, expected, &served.schema, unreadable)?;
        default(&served, object);
        if let Some(storage) = &served.storage {
            storage.conversion.to_stored(object);
            object["apiVersion"] = call.kind.api_version().into();
            // annotations may have become fields: what is in them is what somebody wrote
            object::conform(&call.kind.schema, object).map_err(|e| body::cannot_handle(expected, e))?;
            default(&call.kind, object);
        }
        Ok(())
    }
}

/// What is said of a document for another namespace than the path's.
pub(crate) const OTHER_NAMESPACE: &str =
    "the namespace of the provided object does not match the namespace sent on the request";

/// Name and namespace of what is written must be those of the path.
pub(crate) fn check_place(key: &Key, new: &Meta) -> Result<(), Status> {
    if new.name.is_empty() {
        return Err(Status::bad_request(format!(
            "the name of the object ({} based on URL) was undeterminable: name must be provided",
            key.name
        )));
    }
    if new.name != key.name {
        return Err(Status::bad_request(format!(
            "the name of the object ({}) does not match the name on the URL ({})",
            new.name, key.name
        )));
    }
    if !new.namespace.is_empty() && new.namespace != key.namespace {
        return Err(Status::bad_request(OTHER_NAMESPACE));
    }
    Ok(())
}

/// The UID of a whole object says which one is meant; there may be another one now, or none.
pub(crate) fn check_uid(served: &Kind, key: &Key, asked: &str, found: &str) -> Result<(), Status> {
    if asked.is_empty() || asked == found {
        return Ok(());
    }
    let place = [&served.plural, &key.namespace, &key.name].map(String::as_str);
    let place: Vec<&str> = place.into_iter().filter(|part| !part.is_empty()).collect();
    let why = format!(
        "StorageError: invalid object, Code: 4, Key: /registry/{}, ResourceVersion: 0, AdditionalErrorMsg: {}",
        place.join("/"),
        deletion::another_uid(asked, found)
    );
    Err(Status::conflict(&served.group, &served.plural, &key.name, &why))
}

/// Name, namespace, UID and resourceVersion of an update must be those of the object. A patch may not change the UID,
/// whatever part of the object it is for: who patches with a UID relies on that.
fn check_identity(
    call: &Call<'_>,
    key: &Key,
    change: &Change<'_>,
    new: &Value,
    old: &Value,
) -> Result<(), Status> {
    let (kind, served) = (&call.kind, &call.served);
    let (new, old) = (Meta::of(new), Meta::of(old));
    check_place(key, &new)?;
    let is_another = !new.uid.is_empty() && new.uid != old.uid;
    if is_another && !matches!(change, Change::Replace(_)) {
        let error = FieldError::invalid(&Path::new("metadata.uid"), new.uid, "field is immutable");
        return Err(Status::invalid(&kind.group, &kind.kind, &key.name, &[error]));
    }
    check_uid(served, key, &new.uid, &old.uid)?;
    match new.resource_version.as_str() {
        "" if kind.policy.needs_resource_version => {
            let path = Path::new("metadata.resourceVersion");
            let error = FieldError::invalid(&path, 0, "must be specified for an update");
            Err(Status::invalid(&kind.group, &kind.kind, &key.name, &[error]))
        }
        "" => Ok(()),
        version if version != old.resource_version => {
            Err(Status::stale(&served.group, &served.plural, &key.name))
        }
        _ => Ok(()),
    }
}

fn default(kind: &Kind, object: &mut Value) {
    object::apply_defaults(&kind.schema, object);
    kind.strategy.default(object);
}

/// A stored object as it is served.
pub(crate) fn show(served: &Kind, mut object: Value) -> Value {
    if let Some(storage) = &served.storage {
        storage.conversion.to_served(&mut object);
        // what does not fit is in no field that is converted
        let _ = object::conform(&served.schema, &mut object);
        object::apply_defaults(&served.schema, &mut object);
        object["apiVersion"] = served.api_version().into();
    }
    object
}

/// The answer to a deletion that took effect: a Status, or the object where its kind has that.
fn removed(call: &Call<'_>, meta: &Meta, object: impl FnOnce() -> Answer) -> Answer {
    let served = &call.served;
    if call.kind.policy.returns_deleted {
        return object();
    }
    Answer::Status(Status::success(&served.group, &served.plural, &meta.name, &meta.uid))
}

pub(crate) fn invalid_unless_empty(
    kind: &Kind,
    key: &Key,
    errors: object::FieldErrors,
) -> Result<(), Status> {
    if errors.is_empty() { Ok(()) } else { Err(Status::invalid(&kind.group, &kind.kind, &key.name, &errors)) }
}

pub(crate) fn not_found(kind: &Kind, key: &Key) -> Status {
    Status::not_found(&kind.group, &kind.plural, &key.name)
}

fn already_exists(kind: &Kind, key: &Key) -> Status {
    Status::already_exists(&kind.group, &kind.plural, &key.name)
}

fn busy(kind: &Kind, key: &Key) -> Status {
    Status::stale(&kind.group, &kind.plural, &key.name)
}

/// Five characters as upstream's name generator draws them: no vowels, no look-alikes.
pub(crate) fn random_suffix() -> String {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let random = uuid::Uuid::new_v4();
    random.as_bytes()[..5].iter().map(|b| ALPHABET[*b as usize % ALPHABET.len()] as char).collect()
}

/// What to do about unknown and duplicate fields: `fieldValidation`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    /// Say nothing.
    Ignore,
    /// Send `Warning` headers.
    #[default]
    Warn,
    /// Refuse.
    Strict,
}

impl FieldValidation {
    /// Reads the query parameter.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "" | "Warn" => Some(Self::Warn),
            "Ignore" => Some(Self::Ignore),
            "Strict" => Some(Self::Strict),
            _ => None,
        }
    }

    /// The error says what a strict reading finds.
    pub(crate) fn report(
        self,
        unknown: &[String],
        duplicates: &[String],
        warnings: &mut Vec<String>,
    ) -> Result<(), String> {
        match (self, object::strict_error(unknown, duplicates)) {
            (Self::Strict, Some(text)) => Err(text),
            (Self::Warn, Some(_)) => {
                warnings.extend(unknown.iter().map(|field| format!("unknown field {field:?}")));
                warnings.extend(duplicates.iter().map(|field| format!("duplicate field {field:?}")));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Reads `DeleteOptions` from the body, or from the query where there is no body.
pub(crate) fn delete_options(
    headers: &HeaderMap,
    bytes: &[u8],
    call: &Call<'_>,
    schema: body::SchemaOf<'_>,
) -> Result<DeleteOptions, Status> {
    let mut options = if bytes.is_empty() {
        DeleteOptions::default()
    } else {
        let options = body::decode_options(headers, bytes, schema)?;
        serde_json::from_value(options).map_err(|e| Status::bad_request(e.to_string()))?
    };
    let param = |name: &str| Some(call.info.param(name)).filter(|text| !text.is_empty());
    if let Some(text) = param("gracePeriodSeconds") {
        let bad = |_| Status::bad_request(format!("invalid gracePeriodSeconds {text:?}"));
        options.grace_period_seconds = Some(text.parse().map_err(bad)?);
    }
    if let Some(text) = param("propagationPolicy") {
        options.propagation_policy = Some(text.to_owned());
    }
    if let Some(text) = param("orphanDependents") {
        options.orphan_dependents = Some(text == "true" || text == "1");
    }
    options.check()?;
    Ok(options)
}
