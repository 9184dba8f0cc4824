//! What is answered and not stored: who am I, may I.

use super::row;
use crate::Kind;
use crate::strategies as rules;

const AUTHENTICATION: &str = "authentication.k8s.io";

const AUTHORIZATION: &str = "authorization.k8s.io";

/// What is answered and not stored: who am I, may I.
pub(super) fn rows() -> Vec<Kind> {
    let access = |kind, plural| row(AUTHORIZATION, "v1", kind, plural).talk();
    let identity = |kind, plural| row(AUTHENTICATION, "v1", kind, plural).talk().cluster();
    vec![
        access("SelfSubjectAccessReview", "selfsubjectaccessreviews")
            .cluster()
            .strategy(&rules::SelfSubjectAccessReview),
        access("SubjectAccessReview", "subjectaccessreviews").cluster().strategy(&rules::SubjectAccessReview),
        access("LocalSubjectAccessReview", "localsubjectaccessreviews")
            .strategy(&rules::LocalSubjectAccessReview),
        access("SelfSubjectRulesReview", "selfsubjectrulesreviews").cluster(),
        identity("SelfSubjectReview", "selfsubjectreviews"),
        identity("TokenReview", "tokenreviews"),
    ]
}
