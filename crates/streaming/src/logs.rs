//! Containers' logs: files in the CRI's format, read as a client wants to see them.

mod body;
mod chain;
mod options;
mod printer;
mod reader;
mod record;
mod tail;

#[cfg(test)]
mod tests;

pub(crate) use body::body;
pub(crate) use options::Options;
