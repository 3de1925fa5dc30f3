//! Which PostgreSQL type a Rust value travels as.
//!
//! Parameters are sent with their types, so that no statement has to be prepared: behind a transaction
//! pooler a prepared statement may be somebody else's (ADR 0002).

use serde::Serialize;
use serde_json::value::RawValue;
use tokio_postgres::types::{FromSql, Type};
use uuid::Uuid;

/// A Rust type that travels as one built-in PostgreSQL type.
pub trait SqlType {
    /// The PostgreSQL type. Built-in only: anything else makes the driver prepare a named statement.
    const TYPE: Type;
}

macro_rules! sql_types {
    ($($rust:ty => $single:ident, $array:ident;)*) => {
        $(
            impl SqlType for $rust {
                const TYPE: Type = Type::$single;
            }
            impl SqlType for Vec<$rust> {
                const TYPE: Type = Type::$array;
            }
            impl SqlType for Vec<Option<$rust>> {
                const TYPE: Type = Type::$array;
            }
        )*
    };
}

sql_types! {
    bool => BOOL, BOOL_ARRAY;
    i16 => INT2, INT2_ARRAY;
    i32 => INT4, INT4_ARRAY;
    i64 => INT8, INT8_ARRAY;
    f64 => FLOAT8, FLOAT8_ARRAY;
    String => TEXT, TEXT_ARRAY;
    Uuid => UUID, UUID_ARRAY;
    serde_json::Value => JSONB, JSONB_ARRAY;
}

impl SqlType for &'static str {
    const TYPE: Type = Type::TEXT;
}

impl SqlType for Vec<u8> {
    const TYPE: Type = Type::BYTEA;
}

impl<T: SqlType> SqlType for Option<T> {
    const TYPE: Type = T::TYPE;
}

impl<T: serde::Serialize + std::fmt::Debug> SqlType for tokio_postgres::types::Json<T> {
    const TYPE: Type = Type::JSONB;
}

/// A JSON document of the database that goes on as it is. To take it apart only to write it again is most of what a row
/// of a list costs.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Json(Box<RawValue>);

impl Json {
    /// The document as a value.
    #[must_use]
    pub fn read(&self) -> serde_json::Value {
        serde_json::from_str(self.0.get()).unwrap_or_default()
    }

    /// A value as a document.
    #[must_use]
    pub fn of(value: &serde_json::Value) -> Self {
        Self(serde_json::value::to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }
}

impl<'a> FromSql<'a> for Json {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        // The version of the format stands before the text.
        let [1, text @ ..] = raw else { return Err("a jsonb of a version that is not known".into()) };
        Ok(Self(RawValue::from_string(std::str::from_utf8(text)?.to_owned())?))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::JSONB
    }
}

/// Lets a newtype travel as the type that it wraps.
macro_rules! sql_newtype {
    ($name:ident, $inner:ty) => {
        impl $crate::db::SqlType for $name {
            const TYPE: tokio_postgres::types::Type = <$inner as $crate::db::SqlType>::TYPE;
        }

        impl tokio_postgres::types::ToSql for $name {
            fn to_sql(
                &self,
                ty: &tokio_postgres::types::Type,
                out: &mut bytes::BytesMut,
            ) -> Result<tokio_postgres::types::IsNull, Box<dyn std::error::Error + Sync + Send>> {
                self.0.to_sql(ty, out)
            }

            fn accepts(ty: &tokio_postgres::types::Type) -> bool {
                <$inner as tokio_postgres::types::ToSql>::accepts(ty)
            }

            tokio_postgres::types::to_sql_checked!();
        }

        impl<'a> tokio_postgres::types::FromSql<'a> for $name {
            fn from_sql(
                ty: &tokio_postgres::types::Type,
                raw: &'a [u8],
            ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
                <$inner as tokio_postgres::types::FromSql>::from_sql(ty, raw).map(Self)
            }

            fn accepts(ty: &tokio_postgres::types::Type) -> bool {
                <$inner as tokio_postgres::types::FromSql<'_>>::accepts(ty)
            }
        }
    };
}
pub(crate) use sql_newtype;
