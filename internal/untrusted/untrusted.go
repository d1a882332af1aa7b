// Package untrusted cleans text from elsewhere: crash messages, logs, the API's
// words, what users typed. Such text is hostile until shown otherwise.
package untrusted

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"pipecat-cloud-deploy/internal/quantity"
)

// escapes are the control sequences of terminals: CSI, OSC and other strings,
// and the short ones. A string without an end takes nothing with it. ECMA-48,
// 5.4 and 5.6.
var escapes = regexp.MustCompile("(?:\x1b\\[|\u009b)[0-?]*[ -/]*[@-~]" +
	"|\x1b[\\]PX^_][^\x07\x1b\u009c\r\n]*(?:\x07|\x1b\\\\|\u009c)" +
	"|\x1b[ -/]*[0-~]")

// StripEscapes removes the control sequences of terminals.
func StripEscapes(s string) string {
	if strings.IndexByte(s, '\x1b') < 0 && !strings.Contains(s, "\u009b") {
		return s
	}
	return escapes.ReplaceAllString(s, "")
}

// Cleaner makes text fit to be shown. The zero Cleaner knows no secrets.
type Cleaner struct {
	Secrets []string // are replaced by ***, the longest first; empty ones are ignored
}

// Hide is the cleaner that replaces these texts as well, also in the encodings that are
// likely.
func (c Cleaner) Hide(texts ...string) Cleaner {
	c.Secrets = slices.Clone(c.Secrets)
	for _, text := range texts {
		c.Secrets = append(c.Secrets, Encodings(text)...)
	}
	slices.SortFunc(c.Secrets, func(a, b string) int { return len(b) - len(a) })
	return c
}

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n", "\u0085", "\n")

// Block makes text fit to be shown on separate lines: it has no escape
// sequences, no invisible or reordered characters, no line ends but \n, nothing
// that the runner would obey in the middle of a line, no secrets, and no rooms.
func (c Cleaner) Block(s string) string {
	if !plain(s) {
		s = lineEnds.Replace(StripEscapes(s))
		s = strings.Map(visible, s)
	}
	s = c.redact(withoutRooms(s))
	return strings.ReplaceAll(s, "##[", "## [")
}

// room is the address of a video room of Daily's, with the token that may follow it, and
// sites are hosts of the same form that have none.
var (
	room  = regexp.MustCompile(`https://([\w-]+)\.daily\.co/[\w~.%?&=+-]+`)
	sites = []string{"api", "dashboard", "docs", "help", "pipecat", "www"}
)

// withoutRooms hides which rooms there are: whoever knows one may enter it.
func withoutRooms(s string) string {
	if !strings.Contains(s, ".daily.co/") {
		return s
	}
	return room.ReplaceAllStringFunc(s, func(address string) string {
		domain := room.FindStringSubmatch(address)[1]
		if slices.Contains(sites, domain) {
			return address
		}
		return "https://" + domain + ".daily.co/***"
	})
}

// plain reports whether a text is printable ASCII, tabs and line feeds.
func plain(s string) bool {
	for i := range len(s) {
		if b := s[i]; (b < ' ' || b > '~') && b != '\n' && b != '\t' {
			return false
		}
	}
	return true
}

func visible(c rune) rune {
	switch {
	case c == '\n', c == '\t', c == '\u200d': // the last joins emoji
		return c
	case unicode.IsControl(c), unicode.Is(unicode.Cf, c):
		return utf8.RuneError
	}
	return c
}

// redact replaces the secrets, the longest first, because one may contain another.
func (c Cleaner) redact(s string) string {
	secrets := c.Secrets
	if longest := func(a, b string) int { return cmp.Compare(len(b), len(a)) }; !slices.IsSortedFunc(secrets, longest) {
		secrets = slices.SortedFunc(slices.Values(secrets), longest)
	}
	for _, secret := range secrets {
		if secret != "" {
			s = strings.ReplaceAll(s, secret, "***")
		}
	}
	return s
}

// Blocks is Block for the lines of a log, each of which stays apart from the next.
func (c Cleaner) Blocks(lines []string) string {
	clean := make([]string, len(lines))
	for i, l := range lines {
		clean[i] = strings.TrimRight(c.Block(l), "\n")
	}
	return strings.Join(clean, "\n")
}

// Line is Block on one line, with single spaces.
func (c Cleaner) Line(s string) string {
	return c.redact(strings.Join(strings.Fields(c.Block(s)), " ")) // a secret may have a space in it
}

const mark = "…"

// Cut shortens a text to at most n bytes, and shows that it did. Where n is too small
// for that sign, the sign is all that is left.
func Cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	n = max(0, n-len(mark))
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + mark
}

// CutMiddle shortens a text to about n bytes, and says how much is missing. A
// crash is known by its beginning and its end.
func CutMiddle(s string, n int) string {
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
	return head + "\n[… " + quantity.Count(len(s)-len(head)-len(tail), "byte") + " cut out here …]\n" + tail
}
