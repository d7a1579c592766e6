//! What utoipa's derive cannot say of a schema.

use utoipa::Number;
use utoipa::openapi::schema::{ArrayItems, SchemaType};
use utoipa::openapi::{KnownFormat, Object, RefOr, Schema, SchemaFormat, Type};

use crate::json::INTEGER_MAX;

/// Corrects a schema and all schemas within. `is_input`: requests use it.
pub(super) fn tidy(schema: &mut RefOr<Schema>, is_input: bool) {
    match schema {
        RefOr::Ref(reference) => reference.description = plain(&reference.description),
        RefOr::T(Schema::Object(object)) => {
            object.description = object.description.as_deref().map(plain);
            bound(object);
            if !is_input {
                require_nullable(object);
            }
            for member in object.properties.values_mut() {
                explain_tag(member);
                tidy(member, is_input);
            }
        }
        RefOr::T(Schema::OneOf(options)) => {
            options.description = options.description.as_deref().map(plain);
            for option in &mut options.items {
                tidy(option, is_input);
            }
        }
        RefOr::T(Schema::Array(array)) => {
            array.description = array.description.as_deref().map(plain);
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                tidy(items, is_input);
            }
        }
        RefOr::T(_) => {}
    }
}

/// A doc comment without rustdoc's links: a reader of the document cannot follow them.
fn plain(text: &str) -> String {
    text.replace("[`", "`").replace("`]", "`")
}

/// States the range of an integer. utoipa names formats after Rust's types, but a `u32` is no `int32`, and the service rejects what
/// JSON readers would round.
fn bound(object: &mut Object) {
    let is_integer = match &object.schema_type {
        SchemaType::Type(one) => *one == Type::Integer,
        SchemaType::Array(several) => several.contains(&Type::Integer),
        SchemaType::AnyValue => false,
    };
    if !is_integer {
        return;
    }
    let int32 = SchemaFormat::KnownFormat(KnownFormat::Int32);
    let widest = if object.format == Some(int32.clone()) {
        u64::from(u32::MAX)
    } else {
        INTEGER_MAX
    };
    let widest = usize::try_from(widest).unwrap_or(usize::MAX);
    let maximum = object.maximum.take().unwrap_or(Number::UInt(widest));
    let fits = match maximum {
        Number::UInt(value) => i32::try_from(value).is_ok(),
        Number::Int(value) => i32::try_from(value).is_ok(),
        Number::Float(_) => false,
    };
    object.format = Some(if fits {
        int32
    } else {
        SchemaFormat::KnownFormat(KnownFormat::Int64)
    });
    object.maximum = Some(maximum);
}

/// Requires every member that can be `null`: an answer always has it. (For utoipa an `Option` is a member that may be missing, which is
/// true of requests only.)
fn require_nullable(object: &mut Object) {
    let nullable = object
        .properties
        .iter()
        .filter(|(name, member)| is_nullable(member) && !object.required.contains(name));
    let names: Vec<String> = nullable.map(|(name, _)| name.clone()).collect();
    object.required.extend(names);
}

fn is_nullable(schema: &RefOr<Schema>) -> bool {
    match schema {
        RefOr::T(Schema::Object(object)) => match &object.schema_type {
            SchemaType::Type(one) => *one == Type::Null,
            SchemaType::Array(several) => several.contains(&Type::Null),
            SchemaType::AnyValue => false,
        },
        RefOr::T(Schema::OneOf(options)) => options.items.iter().any(is_nullable),
        RefOr::T(_) | RefOr::Ref(_) => false,
    }
}

/// Describes the tag of an enum, which has no doc comment: it has one word.
fn explain_tag(member: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(object)) = member
        && object.description.is_none()
        && let Some([word]) = object.enum_values.as_deref()
    {
        object.description = Some(format!("Always `{}`.", word.as_str().unwrap_or_default()));
    }
}
