//! Names of resources: of the project, and of vendors.

/// Whether a resource is one of the project's: its name has no domain, or the project's.
pub(crate) fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

/// What the names of memory in large pages begin with; the size of a page follows.
pub(crate) const HUGE: &str = "hugepages-";

/// Whether a resource is memory in large pages.
pub(crate) fn is_huge(name: &str) -> bool {
    name.starts_with(HUGE)
}

/// Whether a name is a vendor's, and not how a quota calls one.
pub(crate) fn is_of_vendor(name: &str) -> bool {
    !is_native(name) && !name.starts_with("requests.")
}

/// Whether pods may ask for this resource as one of a vendor: a quota must be able to name it, too.
pub(crate) fn is_extended(name: &str) -> bool {
    is_of_vendor(name) && object::qualified_name(&format!("requests.{name}")).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_whose_a_resource_is() {
        let check = |name, native, vendor, extended| {
            assert_eq!(
                (is_native(name), is_of_vendor(name), is_extended(name)),
                (native, vendor, extended),
                "{name}"
            );
        };
        check("cpu", true, false, false);
        check("hugepages-2Mi", true, false, false);
        check("kubernetes.io/x", true, false, false);
        check("node.kubernetes.io/x", true, false, false);
        check("example.com/gpu", false, true, true);
        check("example.com/", false, true, false);
        check("requests.example.com/gpu", false, false, false);
        assert!(is_huge("hugepages-2Mi") && !is_huge("memory"));
    }
}
