package ghatest

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Secret is what must not be shown, whatever Hostile text has it.
const Secret = "sk_secret"

// Hostile are texts that try to be more than text: in the log, in the outputs, in
// the job summary, or to people.
var Hostile = []string{
	"harmless",
	"", " ", ".", "\n", "\r", "\r\n", "\x00",

	// Commands.
	"::error::forged", "  ::error::forged", "\n::error::forged", "\r::error::forged", "\r\n\t::set-output name=status::ready",
	"::ERROR::forged", "\n::Error file=a::forged", "\u0085::error::forged", "\u2028::error::forged", "\u2029::error::forged",
	"\u00a0::error::forged", "\n\u00a0::error::forged", "\n\v\f::error::forged", "\u200d::error::forged", "::: ", "\n::endgroup::",
	"##[error]forged", "x ##[group]forged", "##[Group]", "##[END-ACTION]", "##\x1b[0m[error]forged", "#\x00#[error]", "##\u200b[error]", "##\n[error]",
	"#sk_secret#[error]", "###[[error]", "##[##[error]", "##\u200d[error]", "##sk_secret[error]",
	"%0A::error::forged", "%0D%0A##[error]forged", "%25%0A", "%250A::error::forged",
	",line=1::", " file=x::", "x,file=y::forged", "=x", "==", "a=b,c=d", ":,%3A%2C", "title=",
	"::stop-commands::x\n::x::\n::error::forged", "::stop-commands::\n::pause-logging::",

	// Outputs.
	"status=ready", "x<<EOF\nEOF\nstatus=ready", "\nstatus=ready", "\nstatus<<E\nready\nE\n", "_GitHubActionsFileCommandDelimeter_", "EOF", "<<", "=",

	// Markdown.
	"```\n# forged", "````````\n</details>", "~~~\n# forged", "`|`", "a | b | c", "\\|", "\\\\|", "|\n|:--|\n", ":-: | :-:", "`a` | `", "\\`", "``",
	"===", "a\n===", "---", "a\n---", "***", "- - -", "# forged", "\n# forged", "## forged ##", "> quoted", ">", "    code", "\tcode", "\n\n    code",
	"- [ ] task", "[x] task", "* item", "+ item", "- item", "1. item", "1) item", "-", "1.", "a\\", "a  ",
	"<script>alert(1)</script>", "<!-- ", "<details><summary>", "</code>", "<code>", "&lt;script&gt;", "&#x3C;b>", "&#60;", "&amp;lt;", "&", "<?php", "<![CDATA[",
	"![x](https://evil.example/x.png)", "[a](b)", "[a]: http://x", "[a]: <http://x> \"t\"\n\n[a]", "[a][b]", "[^1]", "[^1]: note", "[[wiki]]",
	"https://evil.example", "HTTP://evil.example", "www.evil.example", "wWw.evil.example", "_www.evil.example_", "<http://x>", "<a@b.co>", "ftp://evil.example",
	"a@b.co", "mailto:a@b.co", "xmpp:a@b.co/x", "@everyone #1", "@org/team", "#1", "GH-1", "gh-1", "org/repo#1", "org/repo@0123456", "0123456789abcdef0123456789abcdef01234567",
	":tada:", ":x:tada:", "::x::tada::", ":+1:", ":piñata:", ":non-potable_water:", "$x$", "$$x$$", "\\$x$", "\\\\$x$", "$`x`$", "$", "\\", "**bold**", "__bold__", "~~gone~~", "*a _b* c_",

	// People.
	"\x1b[2J\x1b]0;title\x07hidden\x1b[8m", "\x1b", "\x1b]", "\x1b]0;hides the rest\nof it", "\x1bP", "\u009b31m", "\u009d0;x\u009c", "\u202egnp.exe", "\u2066a\u2069", "\ufeff", "\xff\xfe",
	"\u00ad", "\u061c", "\u180e", "\u2060", "\U000e0041", "\u0301", "e\u0301\u0301\u0301", "👩\u200d🚀", "\u200d", "ＷＩＤＥ", "한국어", "مرحبا", "\ufffd", "\U0010ffff",
	"the key is sk_secret", "sk_\x1b[0msecret", "sk_\u200bsecret", "sk_sk_secretsecret", "sk_\nsecret", "SK_SECRET",
	strings.Repeat("é", 4500), strings.Repeat("long ", 200), strings.Repeat("\n", 1000), strings.Repeat("`", 1000), strings.Repeat("|", 1000),
	strings.Repeat("#", 3000), strings.Repeat(":a", 500) + ":", strings.Repeat("😀", 1100), strings.Repeat("%\r,:", 300),
}

// Hides is an error for a text that has the Secret, or that shows otherwise than it
// is.
func Hides(s string) error {
	if strings.Contains(s, Secret) {
		return fmt.Errorf("shows the secret")
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("is not UTF-8")
	}
	for _, c := range s {
		if c != '\n' && c != '\t' && c != '\u200d' && (unicode.IsControl(c) || unicode.In(c, unicode.Cf, unicode.Zl, unicode.Zp)) {
			return fmt.Errorf("has %U", c)
		}
	}
	return nil
}
