package untrusted

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pipecat-cloud-deploy/internal/gha/ghatest"
)

func TestCleaner(t *testing.T) {
	var c Cleaner
	keys := Cleaner{Secrets: []string{"", "sk_a", "sk_a_and_more"}}
	for _, tt := range []struct{ name, got, want string }{
		{"nothing", c.Block(""), ""},
		{"plain text stays", c.Block("Traceback:\n\tx = 'ü 👩‍🚀'"), "Traceback:\n\tx = 'ü 👩‍🚀'"},
		{"ASCII stays", c.Block("Traceback:\n\tx = 1 ~"), "Traceback:\n\tx = 1 ~"},
		{"colors go", c.Block("\x1b[1;31mError\x1b[0m"), "Error"},
		{"eight-bit colors go", c.Block("\u009b31mError"), "Error"},
		{"titles go", c.Block("\x1b]0;x\x07a\x1b]8;;http://x\x1b\\b"), "ab"},
		{"a title without an end hides nothing", c.Block("\x1b]0;x\x1b]a\nb\x07"), "0;xa\nb\uFFFD"},
		{"line ends are one", c.Block("a\r\nb\rc\u2028d\u2029e\u0085f"), "a\nb\nc\nd\ne\nf"},
		{"legacy commands come apart", c.Block("##[error]"), "## [error]"},
		{"legacy commands come apart beyond ASCII", c.Block("é##[error]"), "é## [error]"},
		{"what hides shows", c.Block("a\u202eb\x00c\xff"), "a\uFFFDb\uFFFDc\uFFFD"},
		{"DEL shows", c.Block("a\x7fb"), "a\uFFFDb"},
		{"one line", c.Line(" a\n\n b\t c "), "a b c"},
		{"lines", c.Blocks([]string{"a\n\n", "b\rc", ""}), "a\nb\nc\n"},
		{"no lines", c.Blocks(nil), ""},
		{"secrets", keys.Block("sk_a, sk_b"), "***, sk_b"},
		{"a secret that contains another", keys.Block("sk_a_and_more"), "***"},
		{"a secret with an escape in it", keys.Line("sk\x1b[0m_a"), "***"},
		{"a secret with a space in it", Cleaner{Secrets: []string{"a b"}}.Line("a\nb"), "***"},
		{"a secret that makes a command", Cleaner{Secrets: []string{"x"}}.Block("##x[error]"), "##***[error]"},
		{"a room", c.Line("Error joining https://acme.daily.co/Xy-12?t=eyJ0.a_b-c: no"), "Error joining https://acme.daily.co/***: no"},
		{"what is none", c.Line("https://api.daily.co/v1/rooms https://docs.daily.co/x https://api.pipecat.daily.co/v1 https://acme.daily.co/ daily.co/x"), "https://api.daily.co/v1/rooms https://docs.daily.co/x https://api.pipecat.daily.co/v1 https://acme.daily.co/ daily.co/x"},
		{"cut", Cut("abcdef", 5), "ab…"},
		{"cut between letters", Cut("aééé", 6), "aé…"},
		{"not cut", Cut("abc", 3), "abc"},
		{"cut to nothing", Cut("abc", 2), "…"},
		{"cut to less than nothing", Cut("abc", -1), "…"},
		{"cut in the middle", CutMiddle("one\ntwo\nthree\nfour\n", 12), "one\n[… 11 bytes cut out here …]\nfour\n"},
		{"not cut in the middle", CutMiddle("one\ntwo", 7), "one\ntwo"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got(tt.got), tt.want)
		}
	}
	if want := []string{"", "sk_a", "sk_a_and_more"}; !slices.Equal(keys.Secrets, want) {
		t.Errorf("the cleaner's secrets are now %q", keys.Secrets)
	}
}

func got(s string) string { return s[:min(len(s), 200)] }

// FuzzCleaner holds that hostile text hides nothing once it is clean, and that to
// clean it again, or by the way that plain text takes, changes nothing.
func FuzzCleaner(f *testing.F) {
	for _, s := range ghatest.Hostile {
		f.Add(s)
	}
	c := Cleaner{Secrets: []string{ghatest.Secret}}
	f.Fuzz(func(t *testing.T, s string) {
		block, line := c.Block(s), c.Line(s)
		for what, clean := range map[string]string{"block": block, "line": line, "blocks": c.Blocks([]string{s, s})} {
			if err := ghatest.Hides(clean); err != nil {
				t.Errorf("%q: the %s %v", got(s), what, err)
			}
			if strings.Contains(clean, "##[") {
				t.Errorf("%q: the %s has a legacy command", got(s), what)
			}
		}
		if strings.ContainsAny(line, "\n\t") {
			t.Errorf("%q: the line is %q", got(s), got(line))
		}
		if again := c.Block(block); again != block {
			t.Errorf("%q: the block is %q, and cleaned again %q", got(s), got(block), got(again))
		}
		if again := c.Line(line); again != line {
			t.Errorf("%q: the line is %q, and cleaned again %q", got(s), got(line), got(again))
		}
		if full := strings.Map(visible, lineEnds.Replace(StripEscapes(s))); plain(s) && full != s {
			t.Errorf("%q is plain, and would become %q", got(s), got(full))
		}
		if stripped := escapes.ReplaceAllString(s, ""); StripEscapes(s) != stripped {
			t.Errorf("%q: stripped to %q, want %q", got(s), got(StripEscapes(s)), got(stripped))
		}
	})
}

// FuzzCut holds that what is cut has the size that it may have, and stays UTF-8.
func FuzzCut(f *testing.F) {
	for i, s := range ghatest.Hostile {
		f.Add(s, i)
	}
	f.Fuzz(func(t *testing.T, s string, n int) {
		n = max(0, n%(len(s)+1))
		short := Cut(s, n)
		if len(short) > max(n, len(mark)) || utf8.ValidString(s) && !utf8.ValidString(short) {
			t.Errorf("%q cut to %d bytes: %q", got(s), n, got(short))
		}
		middle := CutMiddle(s, n)
		if len(middle) > n+60 || utf8.ValidString(s) && !utf8.ValidString(middle) {
			t.Errorf("%q cut to about %d bytes: %d bytes, %q", got(s), n, len(middle), got(middle))
		}
	})
}
