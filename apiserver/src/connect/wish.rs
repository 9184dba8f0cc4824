//! What a client asks of a pod, and how its node is asked for the same.

use object::{FieldError, Key, Path, Status, Time, format_time};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::request::RequestInfo;

const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The streams of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    Log,
    Exec,
    Attach,
    PortForward,
}

impl Stream {
    /// The first segment of the kubelet's path.
    fn path(self) -> &'static str {
        match self {
            Stream::Log => "containerLogs",
            Stream::Exec => "exec",
            Stream::Attach => "attach",
            Stream::PortForward => "portForward",
        }
    }
}

/// A request on a stream, checked as far as the query goes.
#[derive(Debug, PartialEq)]
pub(super) struct Wish {
    pub(super) stream: Stream,
    /// The container that the client names; empty: the only one.
    pub(super) container: String,
    /// The kubelet's query parameters.
    query: Vec<(&'static str, String)>,
}

impl Wish {
    /// Reads the query.
    pub(super) fn read(info: &RequestInfo) -> Result<Self, Status> {
        let (stream, query) = match info.subresource.as_str() {
            "log" => (Stream::Log, log(info)?),
            "exec" => (Stream::Exec, exec(info)?),
            "attach" => (Stream::Attach, terminal(info)?),
            "portforward" => (Stream::PortForward, ports(info)?),
            _ => return Err(Status::no_such_path()),
        };
        Ok(Self { stream, container: info.param("container").to_owned(), query })
    }

    /// The kubelet's path and query.
    pub(super) fn path(&self, pod: &Key, container: Option<&str>) -> String {
        let mut path = format!("/{}/{}/{}", self.stream.path(), pod.namespace, pod.name);
        if let Some(container) = container {
            path.push('/');
            path.push_str(container);
        }
        for (index, (name, value)) in self.query.iter().enumerate() {
            path.push(if index == 0 { '?' } else { '&' });
            path.push_str(name);
            path.push('=');
            path.extend(utf8_percent_encode(value, ESCAPED));
        }
        path
    }
}

/// `PodLogOptions`.
fn log(info: &RequestInfo) -> Result<Vec<(&'static str, String)>, Status> {
    let flags = ["follow", "previous", "timestamps"].into_iter().filter(|name| info.flag(name));
    let mut query: Vec<_> = flags.map(|name| (name, "true".to_owned())).collect();
    let mut errors = Vec::new();
    for (name, least, text) in [
        ("limitBytes", 1, "must be greater than 0"),
        ("sinceSeconds", 1, "must be greater than 0"),
        ("tailLines", 0, "must be greater than or equal to 0"),
    ] {
        match integer(info, name)? {
            Some(number) if number < least => {
                errors.push(FieldError::invalid(&Path::new(name), number, text));
            }
            Some(number) => query.push((name, number.to_string())),
            None => {}
        }
    }
    let since = info.param("sinceTime");
    if !since.is_empty() {
        let time: Time = since.parse().map_err(|_| {
            let layout = "2006-01-02T15:04:05Z07:00";
            Status::bad_request(format!("parsing time {since:?} as {layout:?}: cannot parse {since:?}"))
        })?;
        query.push(("sinceTime", format_time(time)));
        if !info.param("sinceSeconds").is_empty() {
            let text = "at most one of `sinceTime` or `sinceSeconds` may be specified";
            errors.retain(|error| error.path.as_str() != "sinceSeconds");
            errors.push(FieldError::forbidden(&Path::root(), text));
        }
    }
    if errors.is_empty() { Ok(query) } else { Err(Status::invalid("", "PodLogOptions", &info.name, &errors)) }
}

/// `PodExecOptions`.
fn exec(info: &RequestInfo) -> Result<Vec<(&'static str, String)>, Status> {
    let words = info.query.iter().filter(|(name, _)| name == "command");
    let mut query: Vec<_> = words.map(|(_, word)| ("command", word.clone())).collect();
    if query.is_empty() {
        return Err(Status::bad_request("you must specify at least 1 command for the container"));
    }
    query.extend(terminal(info)?);
    Ok(query)
}

/// The streams that `PodExecOptions` and `PodAttachOptions` name, as the kubelet calls them. A terminal has one
/// output for both.
fn terminal(info: &RequestInfo) -> Result<Vec<(&'static str, String)>, Status> {
    let tty = info.flag("tty");
    let streams = [
        ("input", info.flag("stdin")),
        ("output", info.flag("stdout")),
        ("error", info.flag("stderr") && !tty),
    ];
    let mut query: Vec<_> = streams.into_iter().filter(|(_, wanted)| *wanted).collect();
    if query.is_empty() {
        return Err(Status::bad_request("you must specify at least 1 of stdin, stdout, stderr"));
    }
    query.extend(tty.then_some(("tty", true)));
    Ok(query.into_iter().map(|(name, _)| (name, "1".to_owned())).collect())
}

/// `PodPortForwardOptions`.
fn ports(info: &RequestInfo) -> Result<Vec<(&'static str, String)>, Status> {
    let mut ports = Vec::new();
    for (_, text) in info.query.iter().filter(|(name, _)| name == "ports") {
        for port in text.split(',') {
            let invalid = |_| Status::bad_request(format!("unable to parse {port:?} as a port"));
            ports.push(port.parse::<u16>().map_err(invalid)?.to_string());
        }
    }
    Ok(if ports.is_empty() { Vec::new() } else { vec![("port", ports.join(","))] })
}

/// A whole number of the query, where there is one.
fn integer(info: &RequestInfo, name: &str) -> Result<Option<i64>, Status> {
    let text = info.param(name);
    if text.is_empty() {
        return Ok(None);
    }
    let invalid = |_| Status::bad_request(format!("strconv.ParseInt: parsing {text:?}: invalid syntax"));
    text.parse().map(Some).map_err(invalid)
}
