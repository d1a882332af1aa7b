package dockerfile

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// split splits a text at blanks that are neither in quotes nor escaped, and leaves
// its words as they are written. It reports false where a quote or an escape has
// no end.
func split(text string, escape rune) ([]string, bool) {
	var words []string
	begin, quote, escaped := -1, rune(0), false
	for i, c := range text {
		if blank := c == ' ' || c == '\t'; blank && quote == 0 && !escaped {
			if begin >= 0 {
				words = append(words, text[begin:i])
			}
			begin = -1
			continue
		}
		if begin < 0 {
			begin = i
		}
		switch {
		case escaped:
			escaped = false
		case c == escape && quote != '\'':
			escaped = true
		case c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		}
	}
	if begin >= 0 {
		words = append(words, text[begin:])
	}
	return words, quote == 0 && !escaped
}

// values are the variables whose values the Dockerfile decides.
type values map[string]string

// word expands a word's variables, and takes off quotes and escapes.
type word struct {
	rest    string
	escape  rune
	values  values
	unknown bool // a variable's value, or what becomes of it
	grown   int  // the length of the values in it
	bad     bool // the builder refuses it, or it has no end
}

// next is the next character; 0 at the end.
func (w *word) next() rune {
	c, n := w.peek()
	w.rest = w.rest[n:]
	return c
}

func (w *word) peek() (rune, int) {
	if w.rest == "" {
		return 0, 0
	}
	return utf8.DecodeRuneInString(w.rest)
}

// until expands up to a character, or to the end for 0.
func (w *word) until(stop rune) string {
	var b strings.Builder
	for w.rest != "" {
		switch c := w.next(); c {
		case stop:
			return b.String()
		case '\'':
			text, rest, ok := strings.Cut(w.rest, "'")
			w.rest, w.bad = rest, w.bad || !ok
			b.WriteString(text)
		case '"':
			b.WriteString(w.quoted())
		case '$':
			b.WriteString(w.variable())
		case w.escape:
			if w.rest != "" {
				b.WriteRune(w.next())
			}
		default:
			b.WriteRune(c)
		}
	}
	w.bad = w.bad || stop != 0
	return b.String()
}

// quoted expands up to a double quote.
func (w *word) quoted() string {
	var b strings.Builder
	for w.rest != "" {
		switch c := w.next(); c {
		case '"':
			return b.String()
		case '$':
			b.WriteString(w.variable())
		case w.escape:
			if next, _ := w.peek(); next == '"' || next == '$' || next == w.escape {
				c = w.next()
			}
			b.WriteRune(c)
		default:
			b.WriteRune(c)
		}
	}
	w.bad = true
	return ""
}

// variable expands what follows a dollar sign. Of parameters of a shell, and of what
// cuts or replaces parts of a value, nothing is known.
func (w *word) variable() string {
	braces := strings.HasPrefix(w.rest, "{")
	if braces {
		w.next()
	}
	name := w.name()
	value, set := w.values[name]
	if w.grown += len(value); w.grown > maxLine { // values of values may grow without end
		w.bad, w.rest = true, ""
		return ""
	}
	switch c, _ := w.peek(); {
	case braces && name == "":
		w.bad = true
	case braces:
		return w.modified(value, set)
	case name == "" && c != 0 && (unicode.IsDigit(c) || strings.ContainsRune("@*#?-$!", c)):
		w.next()
		w.unknown = true
	case name == "":
		return "$"
	default:
		w.unknown = w.unknown || !set
	}
	return value
}

// modified is a variable's value in braces, by what follows its name.
func (w *word) modified(value string, set bool) string {
	w.unknown = w.unknown || !set
	c := w.next()
	empty := !set
	if c == ':' {
		empty = empty || value == ""
		if c = w.next(); !strings.ContainsRune("-+?", c) {
			w.bad = true
		}
	}
	switch c {
	case '}':
		return value
	case '-', '+':
		other := w.until('}')
		if empty == (c == '-') {
			return other
		}
		if c == '-' {
			return value
		}
	case '/':
		if next, _ := w.peek(); next == '/' {
			w.next()
		}
		w.until('/')
		fallthrough
	case '?', '#', '%':
		w.until('}')
		w.unknown = true
	default:
		w.bad = true
	}
	return ""
}

// name is a variable's; empty where none begins.
func (w *word) name() string {
	if c, _ := w.peek(); unicode.IsDigit(c) {
		return ""
	}
	end := strings.IndexFunc(w.rest, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) && c != '_' })
	if end < 0 {
		end = len(w.rest)
	}
	name := w.rest[:end]
	w.rest = w.rest[end:]
	return name
}
