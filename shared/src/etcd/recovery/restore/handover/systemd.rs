//! A systemd unit. systemd has quoting rules of its own, which are not a shell's (systemd.service(5)).

use super::flags::Flag;

/// The unit of one member, whole: flags of a packaged unit's environment would stop etcd, so it replaces that.
pub(super) fn unit(name: &str, user: &str, flags: &[Flag]) -> String {
    let mut exec = vec!["ExecStart=etcd".to_owned()];
    exec.extend(
        flags
            .iter()
            .map(|flag| format!("  {}", word(&flag.joined()))),
    );
    format!(
        "[Unit]\n\
         Description=etcd member {description}\n\
         Wants=network-online.target\n\
         After=network-online.target\n\n\
         [Service]\n\
         Type=notify\n\
         User={user}\n\
         {exec}\n\
         Restart=on-failure\n\
         RestartSec=5\n\
         TimeoutStartSec=infinity\n\
         LimitNOFILE=65536\n\n\
         [Install]\n\
         WantedBy=multi-user.target\n",
        description = plain(name),
        exec = exec.join(" \\\n"),
    )
}

/// A word of a command line that systemd reads back unchanged.
fn word(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            // Specifiers and variables.
            '%' => out.push_str("%%"),
            '$' => out.push_str("$$"),
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    let bare = |c: char| c.is_ascii_alphanumeric() || "-_./:,=@+[]%$".contains(c);
    if out.chars().all(bare) {
        out
    } else {
        format!("\"{out}\"")
    }
}

/// Text in which nothing is a specifier, on one line.
fn plain(text: &str) -> String {
    let text = text.replace('%', "%%").replace('\\', "\\\\");
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_as_systemd_reads_them() {
        for (text, quoted) in [
            ("--name=m1", "--name=m1"),
            ("--name=m 1", "\"--name=m 1\""),
            ("--token=50%", "--token=50%%"),
            ("--token=$HOME", "--token=$$HOME"),
            ("--token=a\"b\\c", "\"--token=a\\\"b\\\\c\""),
            ("--token=it's;#", "\"--token=it's;#\""),
            ("--name=a\nb", "\"--name=a\\x0ab\""),
            ("--listen=http://[::1]:1", "--listen=http://[::1]:1"),
        ] {
            assert_eq!(word(text), quoted);
        }
    }
}
