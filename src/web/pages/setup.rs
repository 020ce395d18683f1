//! `/setup/{token}`: the one-time link by which somebody sets their password.

use askama::Template;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::control::accounts::{Founder, Invited};
use crate::model::Role;
use crate::web::pages::form::Form;
use crate::web::pages::{arrived, ours, shown, told};
use crate::web::problem::Problem;
use crate::web::{Shared, auth};

/// What the first account has unless somebody says otherwise: both can be given on later.
const FIRST: [Role; 2] = [Role::Headteacher, Role::FilteringManager];

#[derive(Template)]
#[template(path = "setup.html")]
struct Page<'a> {
    school: &'a str,
    token: &'a str,
    /// Whose account it is; nobody's, when it is the first.
    member: Option<&'a str>,
    /// What was typed before.
    name: &'a str,
    /// Every role, and whether it is ticked.
    roles: Vec<(Role, bool)>,
    wrong: Option<&'a str>,
}

/// The link that works no more.
#[derive(Template)]
#[template(path = "setup-over.html")]
struct Over<'a> {
    school: &'a str,
}

/// `GET /setup/{token}`
pub(super) async fn page(
    State(shared): State<Shared>,
    Path(token): Path<String>,
) -> Result<Response, Problem> {
    let Ok(invited) = shared.control.invited(&token).await else { return over(&shared) };
    let member = member(&invited);
    let roles = Role::ALL.map(|role| (role, FIRST.contains(&role))).to_vec();
    let school = &shared.school;
    shown(StatusCode::OK, &Page { school, token: &token, member, name: "", roles, wrong: None })
}

/// `POST /setup/{token}`
pub(super) async fn sent(
    State(shared): State<Shared>,
    Path(token): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let client = auth::client(&request);
    let (_, form) = ours(request).await?;
    let Ok(invited) = shared.control.invited(&token).await else { return over(&shared) };
    let roles: Vec<Role> = form.ticked("role").filter_map(|role| role.parse().ok()).collect();
    let wrong = match founder(&invited, &form, &roles) {
        Err(problem) => problem,
        Ok(_) if form.text("password") != form.text("again") => {
            Problem::invalid("again", "the two passwords are not the same")
        }
        Ok(founder) => {
            let password = form.text("password");
            let control = &shared.control;
            match control.redeem(&token, founder.as_ref(), password, &shared.school, client).await {
                Ok(done) => return Ok(arrived(&done.value)),
                Err(fault) => fault.into(),
            }
        }
    };
    let (status, wrong) = told(wrong)?;
    let ticked = Role::ALL.map(|role| (role, roles.contains(&role))).to_vec();
    let page = Page {
        school: &shared.school,
        token: &token,
        member: member(&invited),
        name: form.text("name"),
        roles: ticked,
        wrong: Some(&wrong),
    };
    shown(status, &page)
}

/// Who is to have the first account, when it is that.
fn founder(invited: &Invited, form: &Form, roles: &[Role]) -> Result<Option<Founder>, Problem> {
    match invited {
        Invited::Member(_) => Ok(None),
        Invited::Founder => {
            let name = form.text("name").trim().parse();
            let name = name.map_err(|fault| Problem::invalid("name", format!("{fault}")))?;
            Ok(Some(Founder { name, roles: roles.to_vec() }))
        }
    }
}

fn member(invited: &Invited) -> Option<&str> {
    match invited {
        Invited::Member(name) => Some(name.as_str()),
        Invited::Founder => None,
    }
}

fn over(shared: &Shared) -> Result<Response, Problem> {
    shown(StatusCode::NOT_FOUND, &Over { school: &shared.school })
}
