package dockerfile

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxLine is the length from which on the builder may refuse a line.
const maxLine = 65_000

// lines reads the lines of a Dockerfile. It is bad after the first thing that it does
// not surely understand as the builder does.
type lines struct {
	all    []string // without their ends
	read   int      // so many of them
	escape rune
	bad    bool
}

// newLines reads the directives at a Dockerfile's top.
func newLines(text []byte) *lines {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	l := lines{all: strings.Split(string(text), "\n"), escape: '\\'}
	l.bad = !utf8.Valid(text) || strange(string(text))
	for i, line := range l.all {
		l.bad = l.bad || len(line) > maxLine
		l.all[i] = strings.TrimRight(line, "\r")
	}
	l.directives()
	return &l
}

// strange reports whether a text has what the builder may skip.
func strange(text string) bool { return strings.ContainsAny(text, "\x00\ufeff") }

var (
	directive = regexp.MustCompile(`^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$`)

	// ownSyntax is the frontend whose language this is, in any version.
	ownSyntax = regexp.MustCompile(`^(?:docker\.io/)?docker/dockerfile(?:-upstream)?(?:[:@ ]|$)`)
)

// directives are read until a line is none. A first line for a shell is passed, as
// the builder does for syntax but not for escape.
func (l *lines) directives() {
	var seen []string
	for i, line := range l.all {
		if i == 0 && strings.HasPrefix(line, "#!") {
			seen = append(seen, "escape")
			continue
		}
		m := directive.FindStringSubmatch(strings.TrimLeftFunc(line, unicode.IsSpace))
		if m == nil {
			return
		}
		name, value := strings.ToLower(m[1]), m[2]
		l.bad = l.bad || slices.Contains(seen, name)
		seen = append(seen, name)
		switch name {
		case "check":
		case "syntax":
			l.bad = l.bad || !ownSyntax.MatchString(value)
		case "escape":
			l.bad = l.bad || value != `\` && value != "`"
			l.escape = rune(value[0])
		default:
			return
		}
	}
}

// next is the next instruction, on one line, and the number of the line where it
// begins. It reports false at the end.
func (l *lines) next() (text string, number int, ok bool) {
	for goesOn := false; l.read < len(l.all) && (goesOn || text == ""); {
		line := l.all[l.read]
		l.read++
		content := strings.TrimLeftFunc(line, unicode.IsSpace)
		if content == "" || content[0] == '#' {
			continue
		}
		if number == 0 {
			number, line = l.read, content
		}
		line, goesOn = l.continued(line)
		text += line
	}
	odd := func(c rune) bool { return unicode.IsSpace(c) && c != ' ' && c != '\t' }
	l.bad = l.bad || number > 0 && strings.Trim(text, " \t") == "" || strings.ContainsFunc(text, odd)
	return strings.Trim(text, " \t"), number, number > 0
}

// continued reports whether a line continues after it, which two escapes do not say.
func (l *lines) continued(line string) (string, bool) {
	escape := string(l.escape)
	begin, ok := strings.CutSuffix(strings.TrimRight(line, " \t"), escape)
	if !ok || strings.HasSuffix(begin, escape) {
		return line, false
	}
	return begin, true
}

var (
	heredoc   = regexp.MustCompile(`^\d*<<(-?)(?:(\w[\w.-]*)|'(\w[\w.-]*)'|"(\w[\w.-]*)")$`)
	isHeredoc = regexp.MustCompile(`^\d*<<(?:[^<]|$)|(?:^|[^<])(?:<<)+$`) // or may be one
	simple    = regexp.MustCompile(`\$\{\w+(?::?[-+][\w./:-]*)?\}`)
)

// skipHeredocs reads the texts that an instruction has after it, and returns their
// number. The builder splits words at \ here, whatever the escape is.
func (l *lines) skipHeredocs(instruction string) int {
	if !strings.Contains(instruction, "<<") {
		return 0
	}
	words, ok := split(instruction, '\\')
	l.bad = l.bad || !ok || strings.Contains(simple.ReplaceAllString(instruction, ""), "${")
	n := 0
	for _, word := range words {
		if m := heredoc.FindStringSubmatch(word); m != nil {
			l.skipTo(m[2]+m[3]+m[4], m[1] != "")
			n++
		} else if isHeredoc.MatchString(word) {
			l.bad = true
		}
	}
	return n
}

// skipTo reads to a line, before which there may be tabs.
func (l *lines) skipTo(end string, tabs bool) {
	for l.read < len(l.all) {
		line := l.all[l.read]
		if l.read++; tabs {
			line = strings.TrimLeft(line, "\t")
		}
		if line == end {
			return
		}
	}
	l.bad = true
}
