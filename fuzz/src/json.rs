//! JSON values compared.

use serde_json::Value;

/// What a value may hold for each byte of its text: an object of one member is a node of 632 bytes and its place in a
/// list for seven. Longer texts may not be like that, see [`neopro_protocol::weight`].
pub const FACTOR: usize = 128;

/// Whether two values are the same, but for the last digits of a number: reading is not exact there.
pub fn alike(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| alike(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|(left, right)| left.0 == right.0 && alike(left.1, right.1))
        }
        (Value::Number(left), Value::Number(right)) => match (left.as_f64(), right.as_f64()) {
            (Some(left), Some(right)) => left == right || ((left - right) / left).abs() < 1e-12,
            _ => left == right,
        },
        _ => left == right,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_the_last_digits_may_differ() {
        let value = json!({"a": [1, 2.5, "x", null, true]});
        assert!(alike(&value, &value.clone()));
        assert!(alike(&json!([0.1]), &json!([0.100_000_000_000_000_02])));
        assert!(alike(&json!([0.0]), &json!([-0.0])));
        for other in
            [json!({"a": [1, 2.5, "x", null]}), json!({"b": value["a"]}), json!({"a": [1, 2.6, "x", null, true]})]
        {
            assert!(!alike(&value, &other), "{other}");
        }
    }
}
