//! Which accounts a list is of, and in which order.

use std::str::FromStr;

use super::Status;
use crate::auth::Role;
use crate::http::page::{Order, Slice};
use crate::http::{Form, FromForm};

/// By what a list of accounts is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// `created_at`, the order of NeoPro 1 (newest first).
    CreatedAt,
    /// `email`.
    Email,
    /// `full_name`.
    FullName,
    /// `role`, the mightiest first.
    Role,
    /// `status`.
    Status,
    /// `last_login_at`; those who were never here come last.
    LastLoginAt,
}

impl FromStr for Sort {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text {
            "created_at" => Self::CreatedAt,
            "email" => Self::Email,
            "full_name" => Self::FullName,
            "role" => Self::Role,
            "status" => Self::Status,
            "last_login_at" => Self::LastLoginAt,
            _ => return Err(()),
        })
    }
}

/// Which accounts a list is of.
#[derive(Debug)]
pub struct Filter {
    /// Words within the address or the name, whatever their accents and capitals.
    pub search: Option<String>,
    /// Exactly this role.
    pub role: Option<Role>,
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
        let sort =
            form.choice("sort", "created_at, email, full_name, role, status, last_login_at").unwrap_or(Sort::CreatedAt);
        // Times read best newest first, words from A.
        let natural = match sort {
            Sort::CreatedAt | Sort::LastLoginAt => Order::Desc,
            Sort::Email | Sort::FullName | Sort::Role | Sort::Status => Order::Asc,
        };
        Some(Self {
            search: form.optional_text("search", 200),
            role: form.choice("role", "super_admin, admin, operator, viewer, sponsor, agency"),
            status: form.choice("status", Status::WORDS),
            sort,
            order: form.choice("order", Order::WORDS).unwrap_or(natural),
            slice: Slice::read(form),
        })
    }
}
