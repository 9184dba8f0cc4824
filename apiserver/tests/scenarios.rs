//! Stories about the API: each file in `scenarios/` is one, told to a server of its own, and says what Kubernetes
//! answers. `BERTH_REWRITE=1 cargo test` writes what was answered into the steps that do not fit.
//!
//! Steps stand apart by empty lines; lines that begin with `#` are prose. A step is a request and, behind `----`, its
//! answer:
//!
//! ```text
//! # Who patches without a version overwrites.
//! MERGE /api/v1/namespaces/default/configmaps/m?fieldManager=me
//! > impersonate-user: ann
//! data: {a: "1"}
//! ----
//! 200
//! ! unknown field "datum"
//! < content-type: application/json
//! metadata: {uid: $uid, resourceVersion: <rv>}
//! data: {a: "1"}
//! ```
//!
//! * Methods are those of HTTP, and `MERGE`, `STRATEGIC`, `JSONPATCH`, `APPLY` for the kinds of `PATCH`. Before the
//!   method `FOR a b c` makes one request for each, in which `$each` is its word.
//! * `>` are the request's headers. The body is YAML and is sent as JSON; with a `content-type` it is sent as it stands.
//! * The answer begins with its code; a failure's goes on with reason and message. `!` are its warnings (all of them),
//!   `<` some of its headers, and the rest is YAML of some of its body's fields: `~` is a field that is absent, a list
//!   has these items, one that ends in `...` at least these, and `{}` and `[]` are empty.
//! * `$name` is what the step captures, and later steps mean the same by it; `<uid>`, `<time>`, `<rv>`, `<token>`,
//!   `<suffix>`, `<text>` stand for what is never the same, also within a text.
//! * `WATCH w /path` opens a watch, `EVENTS w` says what it told since the last look: type, name, and some fields.

mod compare;
mod read;
mod run;
mod watch;
mod write;

use std::path::{Path, PathBuf};

use futures::StreamExt;

use crate::World;
use read::Story;

/// Stories that are told at the same time.
const AT_ONCE: usize = 4;

#[tokio::test]
async fn kubernetes_tells_the_same_stories() {
    let rewrites = std::env::var_os("BERTH_REWRITE").is_some();
    let told = futures::stream::iter(files()).map(|file| async move {
        let text = std::fs::read_to_string(&file).expect("a readable file");
        let (failures, rewritten) = tell(&file.display().to_string(), &text).await;
        if rewrites && rewritten != text {
            std::fs::write(&file, rewritten).expect("a writable file");
        }
        failures
    });
    let failures: Vec<String> = told.buffered(AT_ONCE).collect::<Vec<_>>().await.concat();
    assert!(rewrites || failures.is_empty(), "{} steps\n\n{}", failures.len(), failures.join("\n"));
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "scenario")).collect();
    files.sort();
    files
}

/// Tells a story to a new server: what did not fit, and the story as it went.
async fn tell(file: &str, text: &str) -> (Vec<String>, String) {
    let story = Story::read(text).unwrap_or_else(|why| panic!("{file}:{why}"));
    let world = World::new().await;
    let mut teller = run::Teller::new(&world.client);
    let (mut failures, mut rewritten) = (Vec::new(), story.rewriting());
    for step in &story.steps {
        if let Some(actual) = teller.step(step).await {
            let (expected, told) = (step.expected.join("\n  "), actual.join("\n  "));
            failures.push(format!(
                "{file}:{}: {}\n  {expected}\nbut was\n  {told}\n",
                step.line,
                step.title()
            ));
            rewritten.replace(step, actual);
        }
    }
    world.server.stop().await;
    (failures, rewritten.text())
}

/// A step that does not fit is told by its line, and rewritten so that it fits, with the fields that it was about.
#[tokio::test]
async fn what_does_not_fit_is_noticed() {
    const MAPS: &str = "/api/v1/namespaces/default/configmaps";
    let wrong = format!(
        "WATCH w {MAPS}?resourceVersion=0&labelSelector=a\n----\n200\n\n\
         # wrong in one field, and in what is not warned of\nPOST {MAPS}\nmetadata: {{name: m, labels: {{a: b}}, uid: x}}\n\
         data: {{a: \"1\"}}\n----\n201\n! never\nmetadata: {{uid: $uid, labels: ~}}\ndata: {{a: \"2\", b: <text>}}\n\n\
         GET {MAPS}/m\n----\n404 NotFound: nothing\n\nGET {MAPS}/m\n----\n200\nmetadata: {{uid: $uid}}\ndata: {{}}\n\n\
         EVENTS w\n----\nMODIFIED m\n\nGET {MAPS}/m"
    );
    let (failures, rewritten) = tell("wrong", &wrong).await;
    let places: Vec<_> = failures.iter().map(|failure| failure.split(' ').next().expect("a place")).collect();
    assert_eq!(
        places,
        ["wrong:6:", "wrong:15:", "wrong:19:", "wrong:25:", "wrong:29:"],
        "{}",
        failures.concat()
    );
    let right = [
        "201\nmetadata: {labels: {a: b}, uid: $uid}\ndata: {a: \"1\", b: ~}\n\n",
        "GET /api/v1/namespaces/default/configmaps/m\n----\n200\n\n",
        "data: {a: \"1\"}\n\nEVENTS w\n----\nADDED m\n\n",
        "resourceVersion: <rv>, uid: $uid}\n",
    ];
    for part in right {
        assert!(rewritten.contains(part), "{part}\n--\n{rewritten}");
    }
    let (failures, again) = tell("right", &rewritten).await;
    assert_eq!((failures, again), (Vec::new(), rewritten));
}
