//! Structs of raw JSON texts, one per field of interest.

/// Defines a struct with the raw text of some keys of a JSON object. Null and an absent key are `None`.
/// The last one of two equal keys counts; serde's own derive would refuse the record.
macro_rules! raw_fields {
    ($(#[$meta:meta])* struct $name:ident { $($field:ident: $key:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Default)]
        struct $name<'a> {
            $($field: Option<&'a serde_json::value::RawValue>,)+
        }

        impl<'de> serde::Deserialize<'de> for $name<'de> {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                #[allow(non_camel_case_types)]
                enum Key {
                    $($field,)+
                    Other,
                }

                struct Keys;

                impl serde::de::Visitor<'_> for Keys {
                    type Value = Key;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("a key")
                    }

                    fn visit_str<E>(self, key: &str) -> Result<Key, E> {
                        Ok(match key {
                            $($key => Key::$field,)+
                            _ => Key::Other,
                        })
                    }
                }

                impl<'de> serde::Deserialize<'de> for Key {
                    fn deserialize<D: serde::Deserializer<'de>>(keys: D) -> Result<Self, D::Error> {
                        keys.deserialize_identifier(Keys)
                    }
                }

                struct Object;

                impl<'de> serde::de::Visitor<'de> for Object {
                    type Value = $name<'de>;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(
                        self,
                        mut map: A,
                    ) -> Result<Self::Value, A::Error> {
                        let mut fields = $name::default();
                        while let Some(key) = map.next_key()? {
                            match key {
                                $(Key::$field => fields.$field = map.next_value()?,)+
                                Key::Other => {
                                    map.next_value::<serde::de::IgnoredAny>()?;
                                }
                            }
                        }
                        Ok(fields)
                    }
                }

                deserializer.deserialize_map(Object)
            }
        }
    };
}

pub(super) use raw_fields;
