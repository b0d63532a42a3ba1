//! A rule about imports: which modules it is about, and what they may not use.

/// A direction that is closed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    /// The module and all below it: `shared`, `server::http`.
    pub(super) from: &'static str,
    /// What it may not use, with all below: modules of ours, or of others.
    pub(super) to: &'static [&'static str],
    /// Modules below `from` that may after all.
    pub(super) except: &'static [&'static str],
    /// Why.
    pub(super) because: &'static str,
    /// Whether the module may be absent still.
    pub(super) ahead: bool,
}

pub(super) const fn closed(
    from: &'static str,
    to: &'static [&'static str],
    because: &'static str,
) -> Rule {
    Rule {
        from,
        to,
        except: &[],
        because,
        ahead: false,
    }
}

impl Rule {
    pub(super) const fn except(mut self, except: &'static [&'static str]) -> Self {
        self.except = except;
        self
    }

    pub(super) const fn ahead(mut self) -> Self {
        self.ahead = true;
        self
    }

    /// Whether it is about code in `module`.
    pub(super) fn is_about(&self, module: &[String]) -> bool {
        begins(module, self.from) && !self.except.iter().any(|except| begins(module, except))
    }

    /// Whether code in `module` may not use `path`.
    pub(super) fn forbids(&self, module: &[String], path: &[String]) -> bool {
        self.is_about(module)
            && self.to.iter().any(|to| begins(path, to))
            // What belongs to a module may say so: `server::db` is named in `server::db::sqlite`.
            && !self.to.iter().any(|to| begins(module, to) && begins(path, to))
    }
}

pub(super) fn begins(path: &[String], with: &str) -> bool {
    let mut path = path.iter();
    with.split("::")
        .all(|part| path.next().is_some_and(|name| name == part))
}
