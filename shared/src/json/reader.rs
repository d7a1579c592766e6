//! From tree to type.

use serde::de::value::StringDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer as _, MapAccess,
    SeqAccess, VariantAccess, Visitor,
};

use super::INTEGER_MAX;
use super::fault::Fault;
use super::integer::integer;
use super::node::Node;

/// One value, about to be read.
pub(super) struct Reader(pub(super) Node);

impl Reader {
    /// The value as an integer from `min` to `max`.
    fn integer(&self, min: i128, max: i128) -> Result<i128, Fault> {
        let found = match &self.0 {
            Node::Number(number) => integer(number),
            Node::Null | Node::Bool(_) | Node::Text(_) | Node::Array(_) | Node::Object(_) => None,
        };
        match found {
            None => Err(Fault::kind("an integer")),
            Some(value) if (min..=max).contains(&value) => Ok(value),
            Some(_) => Err(Fault::kind(format!("an integer from {min} to {max}"))),
        }
    }
}

/// Methods for integers: method, method of the visitor, type, least and greatest value.
macro_rules! integers {
    ($($method:ident $visit:ident $int:ty, $min:expr, $max:expr;)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            let value = self.integer(i128::from($min), i128::from($max))?;
            visitor.$visit(<$int>::try_from(value).map_err(Fault::custom)?)
        })+
    };
}

const SIGNED_MAX: i64 = INTEGER_MAX.cast_signed();

impl<'de> Deserializer<'de> for Reader {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Node::Null => visitor.visit_unit(),
            Node::Bool(value) => visitor.visit_bool(value),
            // As it was written: a client's own data comes back unchanged.
            Node::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(value), _, _) => visitor.visit_u64(value),
                (None, Some(value), _) => visitor.visit_i64(value),
                (None, None, Some(value)) => visitor.visit_f64(value),
                (None, None, None) => Err(Fault::kind("a number")),
            },
            Node::Text(text) => visitor.visit_string(text),
            Node::Array(items) => visitor.visit_seq(Items::of(items)),
            Node::Object(members) => visitor.visit_map(Members::of(members)),
        }
    }

    integers! {
        deserialize_i8 visit_i8 i8, i8::MIN, i8::MAX;
        deserialize_i16 visit_i16 i16, i16::MIN, i16::MAX;
        deserialize_i32 visit_i32 i32, i32::MIN, i32::MAX;
        deserialize_i64 visit_i64 i64, -SIGNED_MAX, SIGNED_MAX;
        deserialize_u8 visit_u8 u8, u8::MIN, u8::MAX;
        deserialize_u16 visit_u16 u16, u16::MIN, u16::MAX;
        deserialize_u32 visit_u32 u32, u32::MIN, u32::MAX;
        deserialize_u64 visit_u64 u64, u64::MIN, INTEGER_MAX;
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Node::Bool(value) => visitor.visit_bool(value),
            Node::Null | Node::Number(_) | Node::Text(_) | Node::Array(_) | Node::Object(_) => {
                Err(Fault::kind("true or false"))
            }
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let number = match &self.0 {
            Node::Number(number) => number.as_f64(),
            Node::Null | Node::Bool(_) | Node::Text(_) | Node::Array(_) | Node::Object(_) => None,
        };
        visitor.visit_f64(number.ok_or_else(|| Fault::kind("a number"))?)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Node::Text(text) => visitor.visit_string(text),
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::Array(_) | Node::Object(_) => {
                Err(Fault::kind("a string"))
            }
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_string(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Node::Null => visitor.visit_none(),
            Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::Array(_) | Node::Object(_) => {
                visitor.visit_some(self)
            }
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Node::Array(items) => visitor.visit_seq(Items::of(items)),
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::Object(_) => {
                Err(Fault::kind("an array"))
            }
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Node::Object(members) => visitor.visit_map(Members::of(members)),
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::Array(_) => {
                Err(Fault::kind("an object"))
            }
        }
    }

    /// Trap: what serde derives for a struct also reads an array of its fields in their order; the contract does not.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.0 {
            Node::Text(word) => visitor.visit_enum(Word(word.into_deserializer())),
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::Array(_) | Node::Object(_) => {
                Err(Fault::unknown_variant("", variants))
            }
        }
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

/// A word of an enum whose variants hold nothing.
struct Word(StringDeserializer<Fault>);

impl<'de> EnumAccess<'de> for Word {
    type Error = Fault;
    type Variant = NoContent;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, NoContent), Fault> {
        Ok((seed.deserialize(self.0)?, NoContent))
    }
}

struct NoContent;

impl<'de> VariantAccess<'de> for NoContent {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _seed: T) -> Result<T::Value, Fault> {
        Err(Fault::kind("an object"))
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        _length: usize,
        _visitor: V,
    ) -> Result<V::Value, Fault> {
        Err(Fault::kind("an object"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Fault> {
        Err(Fault::kind("an object"))
    }
}

/// Items of an array.
struct Items {
    items: std::iter::Enumerate<std::vec::IntoIter<Node>>,
}

impl Items {
    fn of(items: Vec<Node>) -> Self {
        Self {
            items: items.into_iter().enumerate(),
        }
    }
}

impl<'de> SeqAccess<'de> for Items {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        let Some((index, item)) = self.items.next() else {
            return Ok(None);
        };
        let read = seed.deserialize(Reader(item));
        read.map(Some).map_err(|fault| fault.in_item(index))
    }
}

/// Members of an object.
struct Members {
    members: std::vec::IntoIter<(String, Node)>,
    /// The member whose key was read last.
    current: Option<(String, Node)>,
}

impl Members {
    fn of(members: Vec<(String, Node)>) -> Self {
        Self {
            members: members.into_iter(),
            current: None,
        }
    }
}

impl<'de> MapAccess<'de> for Members {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        let Some((key, value)) = self.members.next() else {
            return Ok(None);
        };
        let name: StringDeserializer<Fault> = key.clone().into_deserializer();
        let read = seed.deserialize(name).map_err(|fault| fault.of_key(&key))?;
        self.current = Some((key, value));
        Ok(Some(read))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let (key, value) = self
            .current
            .take()
            .ok_or_else(|| Fault::kind("an object"))?;
        let read = seed.deserialize(Reader(value));
        read.map_err(|fault| fault.in_field(&key))
    }
}
