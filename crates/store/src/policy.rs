//! Who may do what: Cedar policies (policy/*.cedar), asked with what the transaction itself has read.
//!
//! A question is made of a profile (the roles of a member, the kind of job, or what a client's scopes come
//! to), an action and a kind of resource, and of nothing else: so its answer can be remembered, and the whole of the policies
//! can be written down as a table (policy/matrix.md, a snapshot that a test keeps true).

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityUid, PolicySet, Request, RestrictedExpression, Schema,
    ValidationMode, Validator,
};
use uuid::Uuid;

pub use scopes::{FhirType, FhirTypes, Interaction, NotScopes, SCOPES_TEXT_MAX, Scopes};

use scopes::Grants;

const POLICIES: &str = include_str!("../../../policy/practice.cedar");
const SCHEMA: &str = include_str!("../../../policy/practice.cedarschema");

/// A role in a practice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Answerable for the practice: team, money, figures. No patients.
    Owner,
    /// Runs the practice: as the owner, and patients' contacts. No clinical content.
    Administrator,
    /// Treats patients.
    Practitioner,
    /// Diary and contacts.
    Reception,
    /// Money.
    Finance,
}

/// Every role, in the order of the matrix.
pub const MATRIX_ROLES: [Role; 5] =
    [Role::Owner, Role::Administrator, Role::Practitioner, Role::Reception, Role::Finance];

impl Role {
    /// Its name in the policies and in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Administrator => "administrator",
            Self::Practitioner => "practitioner",
            Self::Reception => "reception",
            Self::Finance => "finance",
        }
    }
}

impl FromStr for Role {
    type Err = UnknownRole;
    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        MATRIX_ROLES.into_iter().find(|role| role.code() == text).ok_or(UnknownRole)
    }
}

/// A text that names no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("roles are owner, administrator, practitioner, reception and finance")]
pub struct UnknownRole;

/// A set of roles, as a membership holds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Roles(u8);

impl Roles {
    /// These roles.
    #[must_use]
    pub fn of(roles: impl IntoIterator<Item = Role>) -> Self {
        Self(roles.into_iter().fold(0, |bits, role| bits | 1 << role as u8))
    }

    /// Whether the set has a role.
    #[must_use]
    pub fn has(self, role: Role) -> bool {
        self.0 & (1 << role as u8) != 0
    }

    /// Whether the set is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The roles, in order.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        MATRIX_ROLES.into_iter().filter(move |role| self.has(*role))
    }
}

/// As the database keeps it: names, separated by commas.
impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, role) in self.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            f.write_str(role.code())?;
        }
        Ok(())
    }
}

impl FromStr for Roles {
    type Err = UnknownRole;
    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        let roles: Result<Vec<Role>, _> = text.split(',').filter(|part| !part.is_empty()).map(Role::from_str).collect();
        roles.map(Self::of)
    }
}

/// A job of the program itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Job {
    /// Founds practices and their first owners, at the host's command line.
    Founding,
    /// Brings patients in.
    Import,
    /// Sends mail.
    Mail,
    /// Turns keys.
    Rotation,
    /// Makes archives of records.
    Export,
    /// Makes what programs asked for in bulk.
    Bulk,
}

impl Job {
    /// Every job, in the order of the matrix.
    pub const ALL: [Self; 6] = [Self::Founding, Self::Import, Self::Mail, Self::Rotation, Self::Export, Self::Bulk];

    /// Its name in the policies and in the audit.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Founding => "founding",
            Self::Import => "import",
            Self::Mail => "mail",
            Self::Rotation => "rotation",
            Self::Export => "export",
            Self::Bulk => "bulk",
        }
    }

    /// The fixed id by which the audit knows it.
    #[must_use]
    pub const fn id(self) -> Uuid {
        let low = match self {
            Self::Founding => 1,
            Self::Import => 2,
            Self::Mail => 3,
            Self::Rotation => 4,
            Self::Export => 5,
            Self::Bulk => 6,
        };
        Uuid::from_u128(0x0000_0000_0000_7000_8000_0001_0000_0000 | low)
    }
}

/// What kind of thing an action is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResourceKind {
    /// The practice as a whole.
    Practice,
    /// A patient of it.
    Patient,
    /// A patient whose record is open to named people, of whom the asker is none.
    BarredPatient,
    /// A member of its team who is not an owner.
    Member,
    /// An owner.
    OwnerMember,
}

impl ResourceKind {
    const fn entity_type(self) -> &'static str {
        match self {
            Self::Practice => "Practice",
            Self::Patient | Self::BarredPatient => "Patient",
            Self::Member | Self::OwnerMember => "Member",
        }
    }
}

/// Whose question it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Profile {
    Member(Roles),
    Machine(Job),
    Client(Grants),
}

/// The policies, and the answers given so far.
pub struct Policy {
    set: PolicySet,
    schema: Schema,
    authorizer: Authorizer,
    answers: Mutex<HashMap<(Profile, &'static str, ResourceKind), bool>>,
}

/// The policies that ship with the program do not hold together. A fault of the build.
#[derive(Debug, thiserror::Error)]
#[error("the policies are not valid: {0}")]
pub struct PolicyError(String);

impl Policy {
    /// Reads the policies that are part of the program and validates them against their schema.
    pub fn load() -> Result<Self, PolicyError> {
        let bad = |e: &dyn fmt::Display| PolicyError(e.to_string());
        let (schema, _) = Schema::from_cedarschema_str(SCHEMA).map_err(|e| bad(&e))?;
        let set = PolicySet::from_str(POLICIES).map_err(|e| bad(&e))?;
        let checked = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
        if !checked.validation_passed() {
            return Err(PolicyError(checked.to_string()));
        }
        Ok(Self { set, schema, authorizer: Authorizer::new(), answers: Mutex::default() })
    }

    /// Whether a member with these roles may do `action` to a resource of this kind.
    pub fn member_may(&self, roles: Roles, action: &'static str, resource: ResourceKind) -> bool {
        self.may(Profile::Member(roles), action, resource)
    }

    /// Whether a client with these scopes may do `action` to a resource of this kind. `named`: which kinds of
    /// FHIR resource are asked about and what is done with them ([`crate::Threshold::naming`]).
    pub fn client_may(
        &self,
        scopes: Scopes,
        named: Option<(FhirTypes, Interaction)>,
        action: &'static str,
        resource: ResourceKind,
    ) -> bool {
        self.may(Profile::Client(scopes.grants(named)), action, resource)
    }

    pub(crate) fn may(&self, who: Profile, action: &'static str, resource: ResourceKind) -> bool {
        let question = (who, action, resource);
        let known = self.answers.lock().unwrap_or_else(PoisonError::into_inner).get(&question).copied();
        known.unwrap_or_else(|| {
            let answer = self.decide(who, action, resource).unwrap_or(false);
            self.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(question, answer);
            answer
        })
    }

    /// `None` when the question itself makes no sense (the schema does not have this action for this kind
    /// of resource); that is a no.
    fn decide(&self, who: Profile, action: &str, resource: ResourceKind) -> Option<bool> {
        let uid = |kind: &str, id: &str| EntityUid::from_str(&format!("{kind}::\"{id}\"")).ok();
        let (principal, attributes) = match who {
            Profile::Member(roles) => {
                let set = roles.iter().map(|role| RestrictedExpression::new_string(role.code().to_owned()));
                (uid("Person", "asker")?, [("roles".to_owned(), RestrictedExpression::new_set(set))])
            }
            Profile::Machine(job) => (
                uid("Machine", job.code())?,
                [("job".to_owned(), RestrictedExpression::new_string(job.code().to_owned()))],
            ),
            Profile::Client(grants) => {
                let set = grants.codes().map(|code| RestrictedExpression::new_string(code.to_owned()));
                (uid("Client", "asker")?, [("scopes".to_owned(), RestrictedExpression::new_set(set))])
            }
        };
        let target = uid(resource.entity_type(), "asked")?;
        let target_attributes: HashMap<String, RestrictedExpression> = match resource {
            ResourceKind::Member | ResourceKind::OwnerMember => HashMap::from([(
                "owner".to_owned(),
                RestrictedExpression::new_bool(resource == ResourceKind::OwnerMember),
            )]),
            ResourceKind::Patient | ResourceKind::BarredPatient => HashMap::from([(
                "barred".to_owned(),
                RestrictedExpression::new_bool(resource == ResourceKind::BarredPatient),
            )]),
            ResourceKind::Practice => HashMap::new(),
        };
        let actor = Entity::new(principal.clone(), HashMap::from(attributes), [].into()).ok()?;
        let resource = Entity::new(target.clone(), target_attributes, [].into()).ok()?;
        let entities = Entities::from_entities([actor, resource], None).ok()?;
        let request =
            Request::new(principal, uid("Action", action)?, target, Context::empty(), Some(&self.schema)).ok()?;
        Some(self.authorizer.is_authorized(&request, &self.set, &entities).decision() == Decision::Allow)
    }
}

#[cfg(test)]
mod matrix;
mod scopes;
