//! What goes out of a stream at once.

/// What goes out at once.
#[derive(Default)]
pub(super) struct Told {
    pub(super) text: String,
    /// How many events of the trail are in it.
    pub(super) events: u64,
}

impl Told {
    /// A comment, which readers pass over.
    pub(super) fn beat() -> Told {
        Told { text: ":\n\n".to_owned(), events: 0 }
    }
}

/// One event of the stream. Data is JSON and has no line ends, which the form does not allow.
pub(super) fn frame(event: &str, id: Option<u64>, data: &str) -> String {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    format!("event: {event}\n{id}data: {data}\n\n")
}
