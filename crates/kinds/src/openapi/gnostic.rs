//! The OpenAPI v2 document as protobuf: the form of the gnostic project's `OpenAPIv2.proto`, which kubectl asks for
//! where a kind is not in version 3. Only what clients look up is written: definitions, and PATCH operations with
//! their parameters.

use object::Value;

/// A protobuf message being written.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn bytes(mut self, tag: u32, bytes: &[u8]) -> Self {
        self.varint(u64::from(tag) << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    fn text(self, tag: u32, value: &Value) -> Self {
        match value.as_str() {
            Some(text) => self.bytes(tag, text.as_bytes()),
            None => self,
        }
    }

    fn message(self, tag: u32, message: Message) -> Self {
        self.bytes(tag, &message.0)
    }

    fn each<'v>(
        self,
        tag: u32,
        of: impl IntoIterator<Item = &'v Value>,
        write: fn(&Value) -> Message,
    ) -> Self {
        of.into_iter().fold(self, |message, value| message.message(tag, write(value)))
    }

    /// Entries `{1: name, 2: message}` of an object's fields.
    fn named(self, tag: u32, fields: &Value, write: fn(&Value) -> Message) -> Self {
        let fields = fields.as_object().into_iter().flatten();
        fields.fold(self, |message, (name, value)| {
            message.message(tag, Message::default().bytes(1, name.as_bytes()).message(2, write(value)))
        })
    }

    /// The `x-…` fields, as YAML texts.
    fn extensions(self, tag: u32, object: &Value) -> Self {
        let fields = object.as_object().into_iter().flatten().filter(|(name, _)| name.starts_with("x-"));
        fields.fold(self, |message, (name, value)| {
            // JSON is YAML.
            let any = Message::default().bytes(2, value.to_string().as_bytes());
            message.message(tag, Message::default().bytes(1, name.as_bytes()).message(2, any))
        })
    }
}

fn items(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

/// The document that [`super::openapi_v2`] made, as protobuf.
pub fn openapi_v2_proto(document: &Value) -> Vec<u8> {
    let info = Message::default().text(1, &document["info"]["title"]).text(2, &document["info"]["version"]);
    let paths = Message::default().named(2, &document["paths"], path);
    let definitions = Message::default().named(1, &document["definitions"], schema);
    let whole = Message::default().text(1, &document["swagger"]).message(2, info);
    whole.message(8, paths).message(9, definitions).0
}

fn path(path: &Value) -> Message {
    match &path["patch"] {
        Value::Null => Message::default(),
        patch => Message::default().message(8, operation(patch, items(&path["parameters"]))),
    }
}

fn operation(operation: &Value, shared: &[Value]) -> Message {
    let message = Message::default().text(5, &operation["operationId"]);
    let message = message.each(8, items(&operation["parameters"]).iter().chain(shared), parameter);
    message.extensions(13, operation)
}

/// A parameter inside of the three unions that the format has around it; only those of the query are told.
fn parameter(parameter: &Value) -> Message {
    if parameter["in"] != "query" {
        return Message::default();
    }
    let query =
        Message::default().text(2, &parameter["in"]).text(4, &parameter["name"]).text(6, &parameter["type"]);
    let non_body = Message::default().message(3, query);
    Message::default().message(1, Message::default().message(2, non_body))
}

fn schema(schema: &Value) -> Message {
    let message = Message::default().text(1, &schema["$ref"]).text(2, &schema["format"]);
    let mut message = message.text(4, &schema["description"]);
    for required in items(&schema["required"]) {
        message = message.text(19, required);
    }
    if schema["additionalProperties"].is_object() {
        let values = self::schema(&schema["additionalProperties"]);
        message = message.message(21, Message::default().message(1, values));
    }
    if schema["type"].is_string() {
        message = message.message(22, Message::default().text(1, &schema["type"]));
    }
    if schema["items"].is_object() {
        message = message.message(23, Message::default().message(1, self::schema(&schema["items"])));
    }
    message = message.each(24, items(&schema["allOf"]), self::schema);
    if schema["properties"].is_object() {
        message = message.message(25, Message::default().named(1, &schema["properties"], self::schema));
    }
    message.extensions(31, schema)
}
