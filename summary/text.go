package summary

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What this file cleans is text that is not ours: crash messages, logs, the
// API's words. It is hostile until shown otherwise.

// escapes are the control sequences of terminals: CSI, OSC and other strings,
// and the short ones. A string without an end takes nothing with it. ECMA-48,
// 5.4 and 5.6.
var escapes = regexp.MustCompile("(?:\x1b\\[|\u009b)[0-?]*[ -/]*[@-~]" +
	"|\x1b[\\]PX^_][^\x07\x1b\u009c\r\n]*(?:\x07|\x1b\\\\|\u009c)" +
	"|\x1b[ -/]*[0-~]")

// block makes text fit to be shown on lines of its own: no escape sequences,
// no invisible or turned-around characters, no line ends but \n, nothing that
// the runner would obey in the middle of a line.
func (r *Report) block(s string) string {
	s = escapes.ReplaceAllString(s, "")
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n", "\u0085", "\n").Replace(s)
	s = strings.Map(func(c rune) rune {
		switch {
		case c == '\n', c == '\t', c == '\u200d': // the last joins emoji
			return c
		case unicode.IsControl(c), unicode.Is(unicode.Cf, c):
			return '\uFFFD'
		}
		return c
	}, s)
	if key := string(r.key); key != "" {
		s = strings.ReplaceAll(s, key, "***")
	}
	return strings.ReplaceAll(s, "##[", "## [")
}

// blocks is block for lines of a log.
func (r *Report) blocks(lines []string) string {
	clean := make([]string, len(lines))
	for i, l := range lines {
		clean[i] = strings.TrimRight(r.block(l), "\n")
	}
	return strings.Join(clean, "\n")
}

// line is block on one line.
func (r *Report) line(s string) string {
	return strings.Join(strings.Fields(r.block(s)), " ")
}

// cut shortens s to at most n bytes, and shows that it did.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	const mark = "…"
	n -= len(mark)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + mark
}

// cutMiddle shortens s to about n bytes, and says what is missing. The
// beginning and the end are what a crash is known by.
func cutMiddle(s string, n int) string {
	if len(s) <= n {
		return s
	}
	head, tail := s[:n/2], s[len(s)-n/2:]
	if i := strings.LastIndexByte(head, '\n'); i > 0 {
		head = head[:i]
	}
	if i := strings.IndexByte(tail, '\n'); i >= 0 {
		tail = tail[i+1:]
	}
	head, tail = strings.ToValidUTF8(head, ""), strings.ToValidUTF8(tail, "")
	return head + "\n[… " + plural(len(s)-len(head)-len(tail), "byte") + " cut out here …]\n" + tail
}

// joiner is invisible, and keeps what stands around it from being a link.
const joiner = "&#8288;"

var markdown = strings.NewReplacer(
	"&", "&amp;", "<", "&lt;", ">", "&gt;",
	"\\", "\\\\", "`", "\\`", "*", "\\*", "_", "\\_", "~", "\\~", "$", "\\$",
	"[", "\\[", "]", "\\]", "|", "\\|",
	"#", "\\#"+joiner, "@", "@"+joiner, "://", ":"+joiner+"//",
)

var (
	// starts are those of lists and of lines, which mean nothing elsewhere.
	starts = regexp.MustCompile(`^(\d*)([-+=.)])`)
	// links are what GitHub takes for one by its letters: www.x and GH-1.
	links = regexp.MustCompile(`(?i)(www|\bgh)([.-])`)
	// emoji is what GitHub shows as a picture, such as :warning:.
	emoji = regexp.MustCompile(`:([\pL0-9_+\\-]+:)`)
)

// md escapes a line of text for GitHub-flavoured Markdown: in a paragraph, a
// heading, a list's item or a table's cell it shows as it is, and is no link,
// image or mention.
//
// https://github.github.com/gfm/#backslash-escapes
func md(s string) string {
	s = starts.ReplaceAllString(markdown.Replace(s), `$1\$2`)
	s = links.ReplaceAllString(s, "$1"+joiner+"$2")
	for range 2 { // two emoji may share a colon
		s = emoji.ReplaceAllString(s, ":"+joiner+"$1")
	}
	return s
}

// code shows a line of text as code, in a table's cell too.
func code(s string) string {
	if s == "" {
		return "–"
	}
	if strings.ContainsAny(s, "`|") {
		return "<code>" + md(s) + "</code>"
	}
	return "`" + s + "`"
}

// fence shows a block of text as it is, behind a fence that it cannot close.
//
// https://github.github.com/gfm/#fenced-code-blocks
func fence(s string) string { return fenceOf("text", s) }

// fenceOf is a fence around text of a language.
func fenceOf(language, s string) string {
	longest, run := 2, 0
	for _, c := range s {
		if c == '`' {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	ticks := strings.Repeat("`", longest+1)
	return ticks + language + "\n" + strings.TrimRight(s, "\n") + "\n" + ticks + "\n"
}
