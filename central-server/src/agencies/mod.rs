//! Agencies: those who look after several clubs, and which ones.

pub mod routes;
mod store;

use std::str::FromStr;

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::clock::Time;
use crate::db::row;
use crate::http::page::{Order, Pagination, Slice};
use crate::http::{Form, FromForm};
use crate::ids::{AgencyId, SiteId, UserId};
use crate::sites;

/// The most sites that one request names.
const MOST_SITES: usize = 15_000;

/// How an agency stands. Whether its people may act is the status of their accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = AgencyStatus)]
pub enum Status {
    /// It works.
    Active,
    /// It does not any more.
    Inactive,
    /// Not for now.
    Suspended,
}

impl Status {
    const WORDS: &'static str = "active, inactive, suspended";

    /// The word in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Suspended => "suspended",
        }
    }
}

impl FromStr for Status {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Active, Self::Inactive, Self::Suspended].into_iter().find(|status| status.name() == text).ok_or(())
    }
}

/// An agency to be created.
#[derive(Debug, ToSchema)]
pub struct NewAgency {
    /// Its name.
    #[schema(max_length = 255)]
    pub name: String,
    /// What it does.
    #[schema(required = false)]
    pub description: Option<String>,
    /// The address of its logo: `https://` or `http://`.
    #[schema(required = false)]
    pub logo_url: Option<String>,
    /// Whom to ask for.
    #[schema(required = false)]
    pub contact_name: Option<String>,
    /// That person's address.
    #[schema(required = false)]
    pub contact_email: Option<String>,
    /// That person's telephone.
    #[schema(required = false)]
    pub contact_phone: Option<String>,
    /// Where it is.
    #[schema(required = false, value_type = Option<Object>)]
    pub address: Option<Value>,
    /// Notes of programs, kept as they are.
    #[schema(required = false, nullable = false, value_type = Object)]
    pub metadata: Option<Value>,
}

impl NewAgency {
    /// For the journal: what was asked for.
    #[must_use]
    pub fn noted(&self) -> Value {
        let Self { name, description, logo_url, contact_name, contact_email, contact_phone, address, metadata } = self;
        json!({
            "name": name, "description": description, "logo_url": logo_url, "contact_name": contact_name,
            "contact_email": contact_email, "contact_phone": contact_phone, "address": address, "metadata": metadata,
        })
    }
}

impl FromForm for NewAgency {
    fn read(form: &mut Form) -> Option<Self> {
        let name = form.text("name", 255);
        let (description, logo_url) = (form.optional_text("description", 2_000), address_of_logo(form));
        let (contact_name, contact_phone) =
            (form.optional_text("contact_name", 255), form.optional_text("contact_phone", 50));
        let contact_email = form.optional_email("contact_email");
        let (address, metadata) = (form.object("address"), form.object("metadata"));
        Some(Self { name: name?, description, logo_url, contact_name, contact_email, contact_phone, address, metadata })
    }
}

/// An address that a page may show as a picture, and that can do nothing else there.
fn address_of_logo(form: &mut Form) -> Option<String> {
    let text = form.optional_text("logo_url", 500)?;
    if text.starts_with("https://") || text.starts_with("http://") {
        return Some(text);
    }
    form.problem("logo_url", "Une adresse qui commence par https:// est attendue.");
    None
}

/// What is to be changed in an agency: what is absent stays, `null` clears.
#[derive(Debug, ToSchema)]
pub struct AgencyChanges {
    /// Another name.
    #[schema(required = false, nullable = false, max_length = 255)]
    pub name: Option<String>,
    /// Another description.
    #[schema(required = false, value_type = Option<String>)]
    pub description: Option<Option<String>>,
    /// Another logo.
    #[schema(required = false, value_type = Option<String>)]
    pub logo_url: Option<Option<String>>,
    /// Another person to ask for.
    #[schema(required = false, value_type = Option<String>)]
    pub contact_name: Option<Option<String>>,
    /// Another address of that person.
    #[schema(required = false, value_type = Option<String>)]
    pub contact_email: Option<Option<String>>,
    /// Another telephone of that person.
    #[schema(required = false, value_type = Option<String>)]
    pub contact_phone: Option<Option<String>>,
    /// Another place.
    #[schema(required = false, value_type = Option<Object>)]
    pub address: Option<Option<Value>>,
    /// Other notes.
    #[schema(required = false, nullable = false, value_type = Object)]
    pub metadata: Option<Value>,
    /// Another status.
    #[schema(required = false, nullable = false)]
    pub status: Option<Status>,
}

impl FromForm for AgencyChanges {
    fn read(form: &mut Form) -> Option<Self> {
        Some(Self {
            name: form.has("name").then(|| form.text("name", 255)).flatten(),
            description: form.has("description").then(|| form.optional_text("description", 2_000)),
            logo_url: form.has("logo_url").then(|| address_of_logo(form)),
            contact_name: form.has("contact_name").then(|| form.optional_text("contact_name", 255)),
            contact_email: form.has("contact_email").then(|| form.optional_email("contact_email")),
            contact_phone: form.has("contact_phone").then(|| form.optional_text("contact_phone", 50)),
            address: form.has("address").then(|| form.object("address")),
            metadata: form.object("metadata"),
            status: form.choice("status", Status::WORDS),
        })
    }
}

impl AgencyChanges {
    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { name, description, logo_url, contact_name, contact_email, contact_phone, address, metadata, status } =
            self;
        name.is_none()
            && [description, logo_url, contact_name, contact_email, contact_phone].iter().all(|text| text.is_none())
            && address.is_none()
            && metadata.is_none()
            && status.is_none()
    }
}

impl AgencyChanges {
    /// For the journal: what the agency is to be.
    #[must_use]
    pub fn noted_on(&self, before: &AgencyView) -> Value {
        let mut after = before.noted();
        let given = [
            ("name", self.name.clone().map(Some)),
            ("status", self.status.map(|status| Some(status.name().to_owned()))),
            ("description", self.description.clone()),
            ("logo_url", self.logo_url.clone()),
            ("contact_name", self.contact_name.clone()),
            ("contact_email", self.contact_email.clone()),
            ("contact_phone", self.contact_phone.clone()),
        ];
        for (field, text) in given.into_iter().filter_map(|(field, text)| Some((field, text?))) {
            after[field] = json!(text);
        }
        if let Some(address) = &self.address {
            after["address"] = json!(address);
        }
        if let Some(metadata) = &self.metadata {
            after["metadata"] = metadata.clone();
        }
        after
    }
}

row! {
    /// An agency.
    #[derive(Debug, Clone, Serialize, ToSchema)]
    #[schema(as = Agency)]
    pub struct AgencyView {
        /// Its id.
        pub id: AgencyId,
        /// Its name.
        pub name: String,
        /// What it does.
        pub description: Option<String>,
        /// The address of its logo.
        pub logo_url: Option<String>,
        /// Whom to ask for.
        pub contact_name: Option<String>,
        /// That person's address.
        pub contact_email: Option<String>,
        /// That person's telephone.
        pub contact_phone: Option<String>,
        /// Where it is.
        #[schema(value_type = Option<Object>, additional_properties)]
        pub address: Option<Value>,
        /// How it stands.
        #[schema(value_type = Status)]
        pub status: String,
        /// Notes of programs.
        #[schema(value_type = Object, additional_properties)]
        pub metadata: Value,
        /// Since when it exists.
        pub created_at: Time,
        /// When it was last changed.
        pub updated_at: Time,
        /// How many sites it looks after.
        pub site_count: i64,
    }
}

impl AgencyView {
    /// For the journal.
    #[must_use]
    pub fn noted(&self) -> Value {
        json!({
            "name": self.name, "description": self.description, "logo_url": self.logo_url,
            "contact_name": self.contact_name, "contact_email": self.contact_email,
            "contact_phone": self.contact_phone, "address": self.address, "status": self.status,
            "metadata": self.metadata,
        })
    }
}

/// By what a list of agencies is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// `name`, the order of NeoPro 1.
    Name,
    /// `created_at`.
    CreatedAt,
    /// `site_count`.
    SiteCount,
}

impl FromStr for Sort {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text {
            "name" => Self::Name,
            "created_at" => Self::CreatedAt,
            "site_count" => Self::SiteCount,
            _ => return Err(()),
        })
    }
}

/// Which agencies a list is of.
#[derive(Debug)]
pub struct Filter {
    /// Words of the name or the contact, whatever their accents and capitals.
    pub search: Option<String>,
    /// Exactly this status.
    pub status: Option<Status>,
    /// By what it is sorted.
    pub sort: Sort,
    /// Up or down.
    pub order: Order,
    /// Which part of it.
    pub slice: Slice,
}

impl FromForm for Filter {
    fn read(form: &mut Form) -> Option<Self> {
        let sort = form.choice("sort", "name, created_at, site_count").unwrap_or(Sort::Name);
        let natural = if sort == Sort::Name { Order::Asc } else { Order::Desc };
        Some(Self {
            search: form.optional_text("search", 200),
            status: form.choice("status", Status::WORDS),
            sort,
            order: form.choice("order", Order::WORDS).unwrap_or(natural),
            slice: Slice::read(form),
        })
    }
}

/// Agencies of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Agencies {
    /// The agencies.
    pub agencies: Vec<AgencyView>,
    /// How many there are in all.
    pub total: i64,
    /// Which part of them this is.
    pub pagination: Pagination,
}

/// Sites that an agency is to look after.
#[derive(Debug, ToSchema)]
pub struct NewSites {
    /// Which; those that it has already stay.
    #[schema(min_items = 1)]
    pub site_ids: Vec<SiteId>,
}

impl FromForm for NewSites {
    const LIMIT: usize = 1024 * 1024;

    fn read(form: &mut Form) -> Option<Self> {
        let site_ids = form.ids("site_ids", MOST_SITES);
        if site_ids.as_ref().is_none_or(Vec::is_empty) && !form.has_problem("site_ids") {
            form.problem("site_ids", "Au moins un site est attendu.");
        }
        Some(Self { site_ids: site_ids? })
    }
}

row! {
    /// A site that an agency looks after.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct AgencySite {
        /// Its id.
        pub id: SiteId,
        /// Its name.
        pub site_name: String,
        /// The club's name.
        pub club_name: String,
        /// What its box says of itself, or a person of it.
        #[schema(value_type = sites::Status)]
        pub status: String,
        /// Its state, as screens show it.
        #[schema(value_type = sites::DisplayStatus)]
        pub display_status: String,
        /// Where it is.
        #[schema(value_type = Option<Object>, additional_properties)]
        pub location: Option<Value>,
        /// Since when the agency looks after it.
        pub added_at: Time,
    }
}

row! {
    /// Somebody with an account of an agency.
    #[derive(Debug)]
    pub struct Person {
        /// The account.
        pub id: UserId,
        /// Its address.
        pub email: String,
        /// The person's name.
        pub full_name: Option<String>,
    }
}

impl Person {
    /// For those who have to decide about it.
    #[must_use]
    pub fn named(&self) -> String {
        match self.full_name.as_deref().filter(|name| !name.is_empty()) {
            Some(name) => format!("{name} ({})", self.email),
            None => self.email.clone(),
        }
    }
}

/// How an agency is deleted.
#[derive(Debug)]
pub struct Deletion {
    /// Whether its people are suspended with it.
    pub force: bool,
}

impl FromForm for Deletion {
    fn read(form: &mut Form) -> Option<Self> {
        Some(Self { force: form.flag("force").unwrap_or(false) })
    }
}
