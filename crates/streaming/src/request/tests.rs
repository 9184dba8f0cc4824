use super::*;

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn parse(method: &str, uri: &str) -> Result<Request, Status> {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    Request::parse(&method.parse().unwrap(), path, query, now())
}

fn logs(query: &str) -> Options {
    match parse("GET", &format!("/containerLogs/ns/web/app?{query}")) {
        Ok(Request::Logs(_, options)) => options,
        other => panic!("{query}: {other:?}"),
    }
}

fn refused(method: &str, uri: &str, code: u16, message: &str) {
    let status = parse(method, uri).expect_err(uri);
    assert_eq!((status.code, status.message.as_str()), (code, message), "{uri}");
}

#[test]
fn a_path_names_a_container() {
    let Ok(Request::Logs(target, options)) = parse("GET", "/containerLogs/ns/web%2D0/app") else { panic!() };
    assert_eq!(target, Target { namespace: "ns".into(), pod: "web-0".into(), container: "app".into() });
    assert_eq!(options, Options::default());
    assert_eq!(parse("GET", "/healthz"), Ok(Request::Health));
    refused("GET", "/containerLogs/ns/web", 404, "the server could not find the requested resource");
    refused("GET", "/pods", 404, "the server could not find the requested resource");
    refused("GET", "/exec/ns//app?output=1", 400, "Missing podID.");
    let text = "the server does not allow this method on the requested resource";
    refused("POST", "/containerLogs/ns/web/app", 405, text);
    refused("PUT", "/exec/ns/web/app", 405, text);
}

#[test]
fn booleans_of_logs_are_read_as_the_api_reads_them() {
    for (query, expect) in [
        ("", false),
        ("follow", true),
        ("follow=", true),
        ("follow=true", true),
        ("follow=1", true),
        ("follow=yes", true),
        ("follow=0", false),
        ("follow=False", false),
    ] {
        assert_eq!(logs(query).follow, expect, "{query}");
    }
    assert!(logs("previous=true").previous);
    assert!(logs("timestamps=true").timestamps);
}

#[test]
fn times_and_numbers_of_logs_are_checked() {
    assert_eq!(logs("tailLines=0").tail, Some(0));
    assert_eq!(logs("limitBytes=10").limit, Some(10));
    assert_eq!(logs("sinceSeconds=60").since, Some("2026-03-01T11:59:00Z".parse().unwrap()));
    assert_eq!(logs("sinceSeconds=9223372036854775807").since, Some(Timestamp::MIN));
    let expect = Some("2026-02-28T23:00:00Z".parse().unwrap());
    assert_eq!(logs("sinceTime=2026-03-01T00%3A00%3A00%2B01%3A00").since, expect);
    let path = "/containerLogs/ns/web/app";
    refused("GET", &format!("{path}?tailLines=x"), 400, r#"tailLines: "x" is not an integer"#);
    for query in
        ["tailLines=-1", "limitBytes=0", "sinceSeconds=0", "sinceSeconds=1&sinceTime=2026-03-01T00:00:00Z"]
    {
        assert_eq!(parse("GET", &format!("{path}?{query}")).expect_err(query).code, 422, "{query}");
    }
}

#[test]
fn a_command_is_a_repeated_parameter() {
    let uri = "/exec/ns/web/app?command=sh&command=-c&command=echo+%22a%26b%22&input=1&output=true&error=1";
    let Ok(Request::Exec(_, exec)) = parse("POST", uri) else { panic!() };
    let command = ["sh", "-c", "echo \"a&b\""].map(str::to_owned).to_vec();
    assert_eq!(exec, Exec { command, stdin: true, stdout: true, stderr: true, tty: false });
}

#[test]
fn a_terminal_has_no_standard_error() {
    let Ok(Request::Attach(_, exec)) = parse("GET", "/attach/ns/web/app?output=1&error=1&tty=1") else {
        panic!()
    };
    assert_eq!(exec, Exec { stdout: true, tty: true, ..Exec::default() });
    let text = "you must specify at least 1 of stdin, stdout, stderr";
    refused("GET", "/exec/ns/web/app?command=ls", 400, text);
    refused("GET", "/exec/ns/web/app?command=ls&tty=1&error=1", 400, text);
}

#[test]
fn parameters_are_bounded() {
    let query = "command=x&".repeat(PARAMETERS + 1);
    refused("GET", &format!("/exec/ns/web/app?{query}"), 400, "too many parameters");
}
