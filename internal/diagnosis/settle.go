package diagnosis

import (
	"regexp"
	"strings"
)

var (
	// origins are lines of a message that have the error behind it.
	origins = regexp.MustCompile(`(?m)^\s*(?:Original error was|Caused by|Reason): (.+)$`)
	// location is a field as pydantic names it, within others.
	location = regexp.MustCompile(`^\S+(?: -> \S+)*$`)
	spoken   = regexp.MustCompile(`\p{Ll}{2}`)
	letters  = regexp.MustCompile(`\pL{2}`)
)

// settle finds an exception's line where the first one of its message does not say
// what is wrong.
func (e *exception) settle() {
	switch m := origins.FindStringSubmatch(e.message); {
	case e.below:
		if s := telltale(e.message); s != "" {
			e.line = e.name + ": " + s
		}
		if m != nil {
			e.line = e.name + ": " + strings.TrimSpace(m[1])
		}
	case m != nil && !strings.Contains(e.line, m[1]):
		e.line += " " + strings.TrimSpace(m[0])
	case e.typ == "ValidationError":
		e.line += invalid(e.message)
	default:
		e.message = ownWords(e.message)
	}
}

// ownWords is a message without the lines below that others may have printed: what continues
// is announced, indented or an item of a list.
func ownWords(message string) string {
	first, below, ok := strings.Cut(message, "\n")
	if !ok || strings.HasSuffix(first, ":") {
		return message
	}
	var b strings.Builder
	b.WriteString(first)
	for _, s := range strings.Split(below, "\n") {
		if s != "" && !strings.ContainsRune(" \t-*•", rune(s[0])) {
			break
		}
		b.WriteString("\n" + s)
	}
	return b.String()
}

// telltale is the first line of a message that says something: not one that only calls
// for attention, unless there is no other.
func telltale(message string) (first string) {
	for s := range strings.Lines(message) {
		if s = strings.TrimSpace(s); !letters.MatchString(s) {
			continue
		}
		if spoken.MatchString(s) {
			return s
		}
		if first == "" {
			first = s
		}
	}
	return first
}

// invalid lists the fields that pydantic names, with what is wrong with each.
func invalid(message string) string {
	var said []string
	_, below, _ := strings.Cut(message, "\n")
	for s := range strings.Lines(below) {
		if s = strings.TrimRight(s, "\n"); strings.TrimSpace(s) == "" || strings.Contains(s, "For further information") || len(said) == 6 {
			continue
		}
		if indent(s) == 0 && !location.MatchString(s) {
			break // someone else's
		}
		said = append(said, strings.TrimSpace(s))
	}
	var b strings.Builder
	for i, s := range said {
		if i%2 == 0 {
			b.WriteString(": " + s)
		} else {
			b.WriteString(" – " + s)
		}
	}
	return b.String()
}
