//! Statements that are put together: values are numbered as they come.

use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, Arguments as _, AssertSqlSafe, Encode, Type};

/// A statement and its values. What is pushed as text is text of this program; what comes from outside is bound.
#[derive(Default)]
pub(super) struct Sql {
    text: String,
    values: AnyArguments,
}

impl Sql {
    pub(super) fn new(text: &'static str) -> Self {
        Self {
            text: text.to_owned(),
            ..Self::default()
        }
    }

    pub(super) fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    pub(super) fn bind<'a, T>(&mut self, value: T) -> sqlx::Result<&mut Self>
    where
        T: Encode<'a, Any> + Type<Any>,
    {
        self.values.add(value).map_err(sqlx::Error::Encode)?;
        self.text.push('$');
        self.text.push_str(&self.values.len().to_string());
        Ok(self)
    }

    /// The rows of an INSERT: for each, `values` binds one value after the other.
    pub(super) fn rows<T>(
        &mut self,
        rows: impl IntoIterator<Item = T>,
        values: impl Fn(&mut Row<'_>, T) -> sqlx::Result<()>,
    ) -> sqlx::Result<()> {
        for (n, row) in rows.into_iter().enumerate() {
            self.push(if n == 0 { "(" } else { "), (" });
            let mut out = Row {
                sql: self,
                first: true,
            };
            values(&mut out, row)?;
        }
        self.push(")");
        Ok(())
    }

    pub(super) fn query(self) -> Query<'static, Any, AnyArguments> {
        sqlx::query_with(AssertSqlSafe(self.text), self.values)
    }
}

/// A row, or a list, on its way into a statement.
pub(super) struct Row<'s> {
    sql: &'s mut Sql,
    first: bool,
}

impl Row<'_> {
    pub(super) fn bind<'a, T>(&mut self, value: T) -> sqlx::Result<&mut Self>
    where
        T: Encode<'a, Any> + Type<Any>,
    {
        if !std::mem::take(&mut self.first) {
            self.sql.push(", ");
        }
        self.sql.bind(value)?;
        Ok(self)
    }
}
