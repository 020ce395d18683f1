//! A proposed policy text held against the one in force: what of it may be in force at once, and
//! what waits for a second person. Pure.
//!
//! **Invariant:** what is in force always reads without a fault, and is no more open than before
//! but for edits that were passed.

use crate::document::{Document, Faults};
use crate::policy::draft::Draft;
use crate::policy::effect::{Effect, Standing, effect};
use crate::policy::{Edit, Written, text};

/// What becomes of a proposed text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weighed {
    /// The text that may be in force.
    pub in_force: Written,
    /// The same, read.
    pub draft: Draft,
    /// The edits in it, in the order in which they were taken, and what each does; of those that
    /// were taken together, what they do together.
    pub taken: Vec<(Edit, Effect)>,
    /// The edits that wait.
    pub held: Vec<Held>,
}

/// An edit that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The edit.
    pub edit: Edit,
    /// The keys of the edits without which it makes no sense: they are approved together.
    pub needs: Vec<String>,
}

/// A text that is not to be weighed, for it can't be read. Places are those of its rendered form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotWeighed {
    /// The one in force.
    #[error("the policy in force can't be read:\n{0}")]
    InForce(Faults),
    /// The proposed one.
    #[error("the proposed policy can't be read:\n{0}")]
    Proposed(Faults),
}

/// Weighs `proposed` against `before`. `passed` says which edits need nobody any more, `held`
/// whether a list of that id is held (as for [`super::read_text`]), and `standing` is what staff have
/// laid over the policy.
///
/// # Errors
/// [`NotWeighed`] when either text has a fault.
pub fn weigh<'s>(
    before: &Written,
    proposed: &Written,
    passed: &dyn Fn(&Edit) -> bool,
    held: &dyn Fn(&str) -> bool,
    standing: impl Into<Standing<'s>>,
) -> Result<Weighed, NotWeighed> {
    let draft = read(before, held).map_err(NotWeighed::InForce)?;
    read(proposed, held).map_err(NotWeighed::Proposed)?;
    let remaining = before.edits_to(proposed);
    let mut scales = Scales {
        passed,
        held,
        standing: standing.into(),
        current: before.clone(),
        draft,
        remaining,
        taken: Vec::new(),
    };
    while scales.take_more() {}
    let held = scales.waiting();
    let mut in_force = scales.current;
    in_force.settle();
    Ok(Weighed { in_force, draft: scales.draft, taken: scales.taken, held })
}

/// A weighing on its way.
struct Scales<'w> {
    passed: &'w dyn Fn(&Edit) -> bool,
    held: &'w dyn Fn(&str) -> bool,
    standing: Standing<'w>,
    current: Written,
    draft: Draft,
    remaining: Vec<Edit>,
    taken: Vec<(Edit, Effect)>,
}

impl Scales<'_> {
    /// Takes what may be taken; whether that was anything.
    fn take_more(&mut self) -> bool {
        if self.take(&self.remaining.clone()) {
            return true;
        }
        let mut more = false;
        for edit in self.remaining.clone() {
            more |= self.take(std::slice::from_ref(&edit));
        }
        for edit in self.remaining.clone() {
            let together = [&self.partners(&edit)[..], &[edit]].concat();
            more |= together.len() > 1 && self.take(&together);
        }
        let passed: Vec<Edit> = self.remaining.iter().filter(|edit| (self.passed)(edit)).cloned().collect();
        more | self.take(&passed)
    }

    /// Takes these edits together, if that makes sense, changes something, and opens nothing that
    /// was not passed.
    fn take(&mut self, edits: &[Edit]) -> bool {
        let Some((text, draft)) = self.with(edits) else { return false };
        let effect = effect(&self.draft, &draft, self.standing);
        let waits = effect == Effect::Loosens && !edits.iter().all(|edit| (self.passed)(edit));
        if waits || text == self.current {
            return false;
        }
        self.remaining.retain(|edit| !edits.contains(edit));
        self.taken.extend(edits.iter().map(|edit| (edit.clone(), effect)));
        (self.current, self.draft) = (text, draft);
        true
    }

    /// The current text with these edits made, where that fits and reads without a fault.
    fn with(&self, edits: &[Edit]) -> Option<(Written, Draft)> {
        let text = edits.iter().try_fold(self.current.clone(), |text, edit| text.with(edit).ok())?;
        let draft = read(&text, self.held).ok()?;
        Some((text, draft))
    }

    /// The fewest other edits with which this one makes sense; none if it does alone. All that
    /// remain make sense together, so they are left out in parts, ever smaller, while it still does.
    fn partners(&self, edit: &Edit) -> Vec<Edit> {
        if self.with(std::slice::from_ref(edit)).is_some() {
            return Vec::new();
        }
        let mut partners: Vec<Edit> = self.remaining.iter().filter(|other| *other != edit).cloned().collect();
        let mut part = partners.len();
        while part > 0 {
            let mut at = 0;
            while at < partners.len() {
                let end = partners.len().min(at + part);
                let fewer = [&partners[..at], &partners[end..]].concat();
                let whole = [&fewer[..], std::slice::from_ref(edit)].concat();
                if self.with(&whole).is_some() {
                    partners = fewer;
                } else {
                    at = end;
                }
            }
            part /= 2;
        }
        partners
    }

    /// What was not taken, but for an order of what is not there yet.
    fn waiting(&self) -> Vec<Held> {
        let changes = |edit: &&Edit| self.current.with(edit).as_ref() != Ok(&self.current);
        let held = self.remaining.iter().filter(changes).map(|edit| {
            let needs = self.partners(edit).into_iter().map(|other| other.key).collect();
            Held { edit: edit.clone(), needs }
        });
        held.collect()
    }
}

fn read(text: &Written, held: &dyn Fn(&str) -> bool) -> Result<Draft, Faults> {
    text::read(&Document::new("policy", text.render()), held)
}
