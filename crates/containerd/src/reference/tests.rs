use super::canonical;

#[test]
fn names_are_completed_as_docker_does() {
    let digest = format!("sha256:{}", "a".repeat(64));
    for (written, full) in [
        ("web", "docker.io/library/web:latest".to_owned()),
        ("web:1", "docker.io/library/web:1".to_owned()),
        ("team/web", "docker.io/team/web:latest".to_owned()),
        ("docker.io/web:1", "docker.io/library/web:1".to_owned()),
        ("index.docker.io/team/web:1", "docker.io/team/web:1".to_owned()),
        ("localhost/web", "localhost/web:latest".to_owned()),
        ("localhost:5000/a/b:c_D.1", "localhost:5000/a/b:c_D.1".to_owned()),
        ("[::1]:5000/a", "[::1]:5000/a:latest".to_owned()),
        ("registry.k8s.io/pause:3.9", "registry.k8s.io/pause:3.9".to_owned()),
        ("a__b--c.d_e", "docker.io/library/a__b--c.d_e:latest".to_owned()),
        (&format!("web@{digest}"), format!("docker.io/library/web@{digest}")),
        (&format!("web:1@{digest}"), format!("docker.io/library/web:1@{digest}")),
    ] {
        assert_eq!(canonical(written).unwrap(), full, "{written}");
    }
}

#[test]
fn what_is_no_name_is_refused_in_upstreams_words() {
    let hex = "a".repeat(64);
    for (written, reason) in [
        ("", "invalid reference format".to_owned()),
        ("a b", "invalid reference format".to_owned()),
        ("web:", "invalid reference format".to_owned()),
        ("web:-1", "invalid reference format".to_owned()),
        ("-web", "invalid reference format".to_owned()),
        ("a//b", "invalid reference format".to_owned()),
        ("a___b", "invalid reference format".to_owned()),
        ("web@sha256:12", "invalid reference format".to_owned()),
        ("Web", "invalid reference format: repository name (library/Web) must be lowercase".to_owned()),
        (&hex, format!("invalid repository name ({hex}), cannot specify 64-byte hexadecimal strings")),
    ] {
        let error = canonical(written).unwrap_err().to_string();
        assert_eq!(error, format!("couldn't parse image name {written:?}: {reason}"));
    }
}
