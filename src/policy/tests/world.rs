//! A small policy with something of everything.

use super::*;

pub(super) struct World {
    pub(super) statutory: Vec<String>,
    pub(super) no_inspect: Vec<&'static str>,
    pub(super) unblocks: Vec<Unblock>,
    pub(super) suspensions: Vec<Suspension>,
    pub(super) blocks: Vec<EmergencyBlock>,
}

impl World {
    pub(super) fn usual() -> World {
        World {
            statutory: vec!["statutory.example".into(), "other.example/bad/page".into()],
            no_inspect: Vec::new(),
            unblocks: Vec::new(),
            suspensions: Vec::new(),
            blocks: Vec::new(),
        }
    }

    pub(super) fn policy(&self) -> Policy {
        self.policy_of(TEXT)
    }

    pub(super) fn terms(&self) -> Terms {
        let mut builder = TermsBuilder::new();
        for (name, text) in
            [("worry", "# any\nworry about\n"), ("stop", "# any\nstop that\n"), ("noted", "noted here\n")]
        {
            builder.add_list(name, "1", name, text).unwrap();
        }
        builder.build()
    }

    pub(super) fn policy_of(&self, text: &str) -> Policy {
        let mut catalogue = CatalogueBuilder::new([1; 16]);
        let lists = [
            ("adult", "adult.example\nboth.example\n"),
            ("games", "games.example\nboth.example\nother.example/play/\n"),
            ("news", "news.example\n"),
            ("approved", "approved.example\n"),
        ];
        for (id, text) in lists {
            let list = catalogue.add_list(head(id, Reading::Block));
            catalogue
                .add_file(list, &format!("{id}.txt"), &Form::of(Format::Domains), text.as_bytes())
                .unwrap();
        }
        let mut statutory = StatutoryBuilder::new(*b"0123456789abcdefghijklmnopqrstuv");
        let list = statutory.add_list("test", "1");
        for line in &self.statutory {
            statutory.add_line(list, line).unwrap();
        }
        Policy::compile(
            Parts {
                draft: Arc::new(draft(text).unwrap()),
                catalogue: Arc::new(catalogue.build()),
                school_allow: Arc::new(single(
                    "allow",
                    Reading::Allow,
                    "allowed.example\nchess.games.example\n",
                )),
                school_block: Arc::new(single(
                    "block",
                    Reading::Block,
                    "blocked.example\nallowed.example/not/this/\n",
                )),
                statutory: Arc::new(statutory.build()),
                lifeline: Arc::new(index_of(&["help.example"])),
                no_inspect: Arc::new(index_of(&self.no_inspect)),
                terms: Arc::new(self.terms()),
                reach: Arc::default(),
                unblocks: self.unblocks.clone().into(),
                suspensions: self.suspensions.clone().into(),
                blocks: self.blocks.clone().into(),
                zone: TimeZone::get("Europe/London").unwrap(),
            },
            1,
        )
        .unwrap()
    }
}

pub(super) fn blocks(answer: &OnConnect) -> bool {
    matches!(answer, OnConnect::Block(_))
}

/// Hosts with all below them, as an index.
pub(super) fn index_of(hosts: &[&str]) -> Index {
    let mut builder = IndexBuilder::new([5; 16]);
    let origin = builder.add_origin(Origin { list: "l".into(), version: "1".into(), file: "f".into() });
    for host in hosts {
        let Ok(crate::model::Host::Name(host)) = crate::model::Host::parse(host) else { panic!("{host}") };
        builder.add(
            origin,
            Item::listed(1, crate::lists::Entry::Host { host, scope: crate::lists::Scope::Subtree }),
        );
    }
    builder.build()
}

pub(super) fn head(id: &str, reading: Reading) -> ListHead {
    ListHead { id: id.into(), title: id.into(), version: "1".into(), licence: "".into(), reading }
}

pub(super) fn single(id: &str, reading: Reading, text: &str) -> Catalogue {
    let mut builder = CatalogueBuilder::new([3; 16]);
    let list = builder.add_list(head(id, reading));
    builder.add_file(list, "list.txt", &Form::of(Format::Domains), text.as_bytes()).unwrap();
    builder.build()
}

pub(super) fn draft(text: &str) -> Result<Draft, crate::document::Faults> {
    read_text(&Document::new("policy.toml", text.to_owned()), &|_| true)
}
