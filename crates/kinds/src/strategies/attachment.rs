//! Rules of attachments of volumes to nodes.

use object::{FieldError, FieldErrors, Value};

use super::csi::check_driver_name;
use super::volume;
use crate::Strategy;
use crate::rules::{At, Errors, Read, immutable};
use crate::strategy::METADATA;

const MAX_METADATA: usize = 256 * 1024;
const MAX_MESSAGE: usize = 1024;

/// Strategy of attachments.
pub(crate) struct VolumeAttachment;

impl Strategy for VolumeAttachment {
    fn validate(&self, attachment: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(attachment).field("spec"), Errors::new());
        check_driver_name(&spec, "attacher", &mut errors);
        check_source(&spec.field("source"), &mut errors);
        errors.text(&spec, "nodeName", object::dns1123_subdomain);
        errors.done()
    }

    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        immutable(new, old, &["spec"])
    }

    fn status_keeps(&self) -> &'static [&'static str] {
        METADATA
    }

    fn validate_status(&self, new: &Value, _old: &Value) -> FieldErrors {
        let (status, mut errors) = (At::root(new).field("status"), Errors::new());
        let size: usize =
            status.entries("attachmentMetadata").map(|(key, value)| key.len() + value.text("").len()).sum();
        if size > MAX_METADATA {
            errors.push(FieldError::too_long(&status.path("attachmentMetadata"), MAX_METADATA));
        }
        for field in ["attachError", "detachError"] {
            check_error(&status.field(field), &mut errors);
        }
        errors.done()
    }
}

fn check_source(source: &At, errors: &mut Errors) {
    let detail = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
    match (source.present("inlineVolumeSpec"), source.present("persistentVolumeName")) {
        (None, None) => errors.push(FieldError::required(&source.path(""), detail)),
        (Some(_), Some(_)) => errors.push(FieldError::forbidden(&source.path(""), detail)),
        (Some(inline), None) => volume::check_inline(&inline, errors),
        (None, Some(name)) if name.text("").is_empty() => {
            let detail = "must specify non empty persistentVolumeName";
            errors.push(FieldError::required(&name.path(""), detail));
        }
        (None, Some(name)) => errors.obey(&name.path(""), name.text(""), object::dns1123_subdomain),
    }
}

/// The API names the size of the metadata where the message is too long.
fn check_error(error: &At, errors: &mut Errors) {
    if error.text("message").len() > MAX_MESSAGE {
        errors.push(FieldError::too_long(&error.path("message"), MAX_METADATA));
    }
    errors.between(error, "errorCode", 0, i64::from(i32::MAX));
}
