//! Reads stories, and writes what was answered into them.

use std::collections::BTreeMap;
use std::ops::Range;

/// What stands between a request and its answer.
const ANSWER: &str = "----";

/// The steps of a file.
pub(super) struct Story<'t> {
    lines: Vec<&'t str>,
    pub(super) steps: Vec<Step<'t>>,
}

/// A request and its expected answer.
pub(super) struct Step<'t> {
    /// The request's line, from 1.
    pub(super) line: usize,
    /// What to make one request for each; empty: one request.
    pub(super) each: Vec<&'t str>,
    /// The first word.
    pub(super) method: &'t str,
    /// What follows it.
    pub(super) target: &'t str,
    pub(super) headers: Vec<(&'t str, &'t str)>,
    pub(super) body: String,
    pub(super) expected: Vec<&'t str>,
    /// Where the answer stands among the lines.
    place: Range<usize>,
}

impl<'t> Story<'t> {
    /// The error says in which line it is.
    pub(super) fn read(text: &'t str) -> Result<Self, String> {
        let lines: Vec<&str> = text.lines().collect();
        let mut steps = Vec::new();
        let mut at = 0;
        while at < lines.len() {
            if lines[at].is_empty() || lines[at].starts_with('#') {
                at += 1;
                continue;
            }
            let length = lines[at..].iter().take_while(|line| !line.is_empty()).count();
            steps.push(Step::read(&lines, at..at + length)?);
            at += length;
        }
        Ok(Self { lines, steps })
    }

    pub(super) fn rewriting(&self) -> Rewriting<'_> {
        Rewriting { lines: &self.lines, answers: BTreeMap::new() }
    }
}

impl<'t> Step<'t> {
    fn read(lines: &[&'t str], mut place: Range<usize>) -> Result<Self, String> {
        let mut each = Vec::new();
        if let Some(words) = lines[place.start].strip_prefix("FOR ") {
            each = words.split(' ').collect();
            place.start += 1;
        }
        let line = place.start + 1;
        let request = lines[place.clone()].first().and_then(|line| line.split_once(' '));
        let (method, target) = request.ok_or_else(|| format!("{line}: a method and a path are wanted"))?;
        let answer = lines[place.clone()].iter().position(|line| *line == ANSWER);
        let answer = answer.map_or(place.end, |behind| place.start + behind);
        let (headers, body): (Vec<&str>, Vec<&str>) =
            lines[place.start + 1..answer].iter().partition(|line| line.starts_with("> "));
        let headers = headers.iter().map(|header| {
            header[2..].split_once(": ").ok_or_else(|| format!("{line}: a header has a name and a value"))
        });
        let headers = headers.collect::<Result<_, _>>()?;
        let expected = lines[answer..place.end].iter().skip(1).copied().collect();
        Ok(Self {
            line,
            each,
            method,
            target,
            headers,
            body: body.join("\n"),
            expected,
            place: answer..place.end,
        })
    }

    /// The request in one line.
    pub(super) fn title(&self) -> String {
        format!("{} {}", self.method, self.target)
    }
}

/// A story, and answers that take the place of those that it expected.
pub(super) struct Rewriting<'s> {
    lines: &'s [&'s str],
    /// Where the old answer ends, and the new one, by where it begins.
    answers: BTreeMap<usize, (usize, Vec<String>)>,
}

impl Rewriting<'_> {
    pub(super) fn replace(&mut self, step: &Step<'_>, answer: Vec<String>) {
        self.answers.insert(step.place.start, (step.place.end, answer));
    }

    /// The story as it went.
    pub(super) fn text(&self) -> String {
        let mut lines = Vec::new();
        let mut at = 0;
        for (begin, (end, answer)) in &self.answers {
            lines.extend_from_slice(&self.lines[at..*begin]);
            lines.push(ANSWER);
            lines.extend(answer.iter().flat_map(|line| line.lines()));
            at = *end;
        }
        lines.extend_from_slice(&self.lines[at..]);
        lines.join("\n") + "\n"
    }
}
