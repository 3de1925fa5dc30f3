//! Lists in pages.

use std::str::FromStr;

use serde::Serialize;
use utoipa::ToSchema;

use super::form::Form;

/// The most rows of one answer.
pub const MOST: i64 = 1_000;

/// Up or down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Smallest first.
    Asc,
    /// Largest first.
    Desc,
}

impl Order {
    /// Every word.
    pub const WORDS: &'static str = "asc, desc";

    /// The word in SQL.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Asc => "asc",
            Self::Desc => "desc",
        }
    }
}

impl FromStr for Order {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "asc" => Ok(Self::Asc),
            "desc" => Ok(Self::Desc),
            _ => Err(()),
        }
    }
}

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// From 1.
    pub page: i64,
    /// Rows per page, at most [`MOST`].
    pub limit: i64,
}

impl Slice {
    /// Reads `page` and `limit`. Without either, the whole list up to [`MOST`] rows: the screens and scripts
    /// of NeoPro 1 never page. With one of them, NeoPro 1's 20 rows a page.
    pub fn read(form: &mut Form) -> Self {
        let paged = form.has("page") || form.has("limit");
        let page = form.integer("page", 1..=1_000_000).unwrap_or(1);
        let limit = form.integer("limit", 1..=MOST).unwrap_or(if paged { 20 } else { MOST });
        Self { page, limit }
    }

    /// Rows before this page.
    #[must_use]
    pub fn offset(self) -> i64 {
        (self.page - 1).saturating_mul(self.limit)
    }

    /// This page of a list of `total` rows.
    #[must_use]
    pub fn of(self, total: i64) -> Pagination {
        let total_pages = total.div_euclid(self.limit) + i64::from(total.rem_euclid(self.limit) > 0);
        Pagination {
            page: self.page,
            limit: self.limit,
            total,
            total_pages,
            has_next: self.page < total_pages,
            has_prev: self.page > 1,
        }
    }
}

/// Where a page stands in its list, with the names that clients of NeoPro 1 read.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pagination {
    /// From 1.
    pub page: i64,
    /// Rows per page.
    pub limit: i64,
    /// Rows of the whole list.
    pub total: i64,
    /// Pages of the whole list.
    pub total_pages: i64,
    /// Whether a page follows.
    pub has_next: bool,
    /// Whether a page precedes.
    pub has_prev: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_counted() {
        let slice = Slice { page: 2, limit: 20 };
        assert_eq!(slice.offset(), 20);
        let page = slice.of(41);
        assert_eq!((page.total_pages, page.has_next, page.has_prev), (3, true, true));
        let empty = Slice { page: 1, limit: 20 }.of(0);
        assert_eq!((empty.total_pages, empty.has_next, empty.has_prev), (0, false, false));
    }
}
