//! Suppliers: let in for a while and a reason, and out again by the clock.
//!
//! **Invariant:** outside a window a supplier is nobody, sessions and tokens included; no supplier
//! opens one.

use std::time::Duration;

use crate::audit::Act;
use crate::control::accounts::{AccountError, By, reason, rules};
use crate::control::staff::{Kind, Staff};
use crate::control::{Control, ControlError, Recorded};
use crate::model::StaffName;

/// The longest window, in minutes.
const LONGEST: u32 = 8 * 60;

impl Control {
    /// Lets a supplier in for so many minutes.
    ///
    /// # Errors
    /// When it is no supplier, the window is too long, the reason says nothing, or `by` may not.
    pub async fn let_in(
        &self,
        by: &By,
        name: &StaffName,
        minutes: u32,
        why: &str,
    ) -> Result<Recorded<Staff>, AccountError> {
        let why = reason(why)?;
        if !(1..=LONGEST).contains(&minutes) {
            let text = format!("a supplier is let in for 1 to {LONGEST} minutes");
            return Err(ControlError::Invalid("minutes", text).into());
        }
        let until = self.clock.now().plus(Duration::from_secs(u64::from(minutes) * 60));
        self.window(by, name, "supplier.let_in", Some(until), Some(why)).await
    }

    /// Ends a supplier's window now, with every session.
    ///
    /// # Errors
    /// When it is no supplier, or `by` may not.
    pub async fn let_out(&self, by: &By, name: &StaffName) -> Result<Recorded<Staff>, AccountError> {
        self.window(by, name, "supplier.let_out", None, None).await
    }

    async fn window(
        &self,
        by: &By,
        name: &StaffName,
        action: &'static str,
        until: Option<crate::model::Timestamp>,
        why: Option<String>,
    ) -> Result<Recorded<Staff>, AccountError> {
        let mut journal = self.journal.lock().await;
        let staff = journal.store.staff_named(name)?;
        let roles = staff.as_ref().map_or(&[][..], |staff| &staff.roles);
        if let Err(fault) = rules::may_touch(by.staff.as_ref(), name, roles) {
            return Err(self.not_allowed(by, action, Some(name), fault).await);
        }
        let staff = staff.ok_or(ControlError::NotFound)?;
        if staff.kind != Kind::Supplier {
            let text = "this is no supplier's account: it needs no window".to_owned();
            return Err(ControlError::Invalid("name", text).into());
        }
        let staff = Staff { access_until: until, ..staff };
        let act = by.act(action).with("staff", name.as_str());
        let act = act.with("until", until.map(|until| until.to_string()));
        let act = Act { reason: why, ..act };
        let audit_seq = self.keep_staff(&mut journal, act, &staff, self.clock.now()).await?;
        Ok(Recorded { value: staff, audit_seq })
    }
}
