//! The sub-protocols of a WebSocket that carries a command's streams.
//!
//! A message's first byte is its channel; what follows is the channel's data. Source: Kubernetes'
//! `k8s.io/streaming` and `remotecommand` packages; version 5 is KEP-4006.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::{BufMut as _, Bytes, BytesMut};

use super::session::{Input, Output};
use crate::Size;

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const ERROR: u8 = 3;
const RESIZE: u8 = 4;
/// Followed by a channel that the client closes.
const CLOSE: u8 = 255;

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Protocol {
    /// The name by which clients ask for it.
    pub name: &'static str,
    /// Channels are digits and data is base64, in text messages.
    base64: bool,
    /// How the end is told.
    pub verdict: VerdictForm,
    /// Whether clients can close a channel.
    close: bool,
}

/// Something on one of a WebSocket's channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ChannelInput {
    /// Data, never empty.
    Data(u8, Bytes),
    /// There will be no more.
    End(u8),
}

/// How a session's end is told on the error channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VerdictForm {
    /// A text, for failures only.
    Text,
    /// A `Status` document, for successes too.
    Status,
}

/// All there are. The first is what is spoken with clients that ask for none.
const PROTOCOLS: [Protocol; 6] = [
    Protocol { name: "", base64: false, verdict: VerdictForm::Text, close: false },
    Protocol { name: "channel.k8s.io", base64: false, verdict: VerdictForm::Text, close: false },
    Protocol { name: "base64.channel.k8s.io", base64: true, verdict: VerdictForm::Text, close: false },
    Protocol { name: "v4.channel.k8s.io", base64: false, verdict: VerdictForm::Status, close: false },
    Protocol { name: "v4.base64.channel.k8s.io", base64: true, verdict: VerdictForm::Status, close: false },
    Protocol { name: "v5.channel.k8s.io", base64: false, verdict: VerdictForm::Status, close: true },
];

/// One message to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    Binary(Bytes),
    Text(String),
}

impl Protocol {
    /// The first of the client's protocols that is known; `offered` are its headers' values, each a list.
    pub(crate) fn choose<'a>(offered: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut names = offered
            .flat_map(|list| list.split(','))
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .peekable();
        if names.peek().is_none() {
            return Some(PROTOCOLS[0]);
        }
        names.find_map(|name| PROTOCOLS.into_iter().find(|known| known.name == name))
    }

    /// A message with a command's output.
    pub(crate) fn output(self, output: Output, data: &[u8]) -> Message {
        self.message(if output == Output::Stdout { STDOUT } else { STDERR }, data)
    }

    /// A message on the error channel.
    pub(crate) fn error(self, data: &[u8]) -> Message {
        self.message(ERROR, data)
    }

    /// A message on a channel.
    pub(super) fn message(self, channel: u8, data: &[u8]) -> Message {
        if self.base64 {
            return Message::Text(format!("{channel}{}", BASE64_STANDARD.encode(data)));
        }
        let mut bytes = BytesMut::with_capacity(data.len() + 1);
        bytes.put_u8(channel);
        bytes.put_slice(data);
        Message::Binary(bytes.freeze())
    }

    /// What a client's message says to a command. What makes no sense is passed over.
    pub(crate) fn read(self, message: &Bytes) -> Input {
        match self.channel_input(message) {
            Some(ChannelInput::Data(STDIN, data)) => Input::Stdin(data),
            Some(ChannelInput::Data(RESIZE, data)) => size(&data).map_or(Input::Nothing, Input::Resize),
            Some(ChannelInput::End(STDIN)) => Input::StdinEnd,
            _ => Input::Nothing,
        }
    }

    /// What a client's message says, whatever its channels are for; none where it makes no sense.
    pub(super) fn channel_input(self, message: &Bytes) -> Option<ChannelInput> {
        let byte = *message.first()?;
        let channel = if self.base64 { byte.checked_sub(b'0')? } else { byte };
        let rest = message.slice(1..);
        if channel == CLOSE {
            return (self.close && rest.len() == 1).then(|| ChannelInput::End(rest[0]));
        }
        let data = if self.base64 { BASE64_STANDARD.decode(rest).ok()?.into() } else { rest };
        (!data.is_empty()).then_some(ChannelInput::Data(channel, data))
    }
}

/// The last size of a message with one or more of them. A terminal without columns or rows is none.
pub(super) fn size(data: &[u8]) -> Option<Size> {
    let sizes = serde_json::Deserializer::from_slice(data).into_iter::<serde_json::Value>();
    let value = sizes.map_while(Result::ok).last()?;
    let side = |name: &str| {
        let side = value.get(name)?.as_u64()?;
        u16::try_from(side).ok().filter(|side| *side > 0)
    };
    Some(Size { width: side("Width")?, height: side("Height")? })
}
