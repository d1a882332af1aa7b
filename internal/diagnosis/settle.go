package diagnosis

import (
	"cmp"
	"slices"
	"strings"
)

var (
	// rootCause is a line of a message that has the error behind it.
	rootCause = re(`(?m)^\s*(?:Original error was|Caused by|Reason): (.+)$|^\s*details = "(.+)"$|^\s*Error: (connect E[A-Z]+ .+)$|^error: (Environment variable not found: .+)$`)
	// zodIssue is a field in the JSON of Zod's message, and what is wrong with it.
	zodIssue = re(`"path": \[\s+"([^"]+)"\s+\],\s+"message": "([^"]+)"`)
	// fieldPath is a field as pydantic names it, within others.
	fieldPath = re(`^\S+(?: -> \S+)*$`)
	// endsInWord is a line that ends within a sentence, and beginsInWord one that continues it.
	endsInWord   = re(`\p{Ll}{2}$`)
	beginsInWord = re(`^\s+\p{Ll}+[ ;,]`)
	lowercase    = re(`\p{Ll}{2}`)
	letters      = re(`\pL{2}`)
)

// explain adds the direct cause to the message of an exception that says only what
// failed: a connection, as the clients of OpenAI and Anthropic say, or the configuration
// of logging. Of one that was raised in another process, it adds the frames there.
func (e *exception) explain(all []exception) {
	at := slices.IndexFunc(all, func(o exception) bool { return !o.divider && o.at == e.at })
	if !e.chained || at < 1 || all[at-1].divider || all[at-1].depth != all[at].depth {
		return
	}
	cause := all[at-1]
	switch {
	case e.message == "Connection error.", strings.HasPrefix(e.message, "Unable to configure "):
		e.message += "\nCaused by: " + cause.line
	case cause.line == e.line:
		e.frames = slices.Concat(e.frames, cause.frames)
	}
}

// settle completes an exception's line where the first line of its message does not say
// what is wrong; elsewhere it takes lines that others may have printed off the message.
func (e *exception) settle() {
	m := rootCause().FindStringSubmatch(e.message)
	if m != nil {
		m[1] = cmp.Or(m[1:]...)
	}
	switch {
	case e.below:
		if m != nil {
			e.line = e.name + ": " + strings.TrimSpace(m[1])
		} else if s := firstSentence(e.message); s != "" {
			e.line = e.name + ": " + s
		}
	case e.typ == "ZodError":
		if issue := zodIssue().FindStringSubmatch(e.message); issue != nil {
			e.line = e.name + ": " + issue[1] + " – " + issue[2]
		}
	case m != nil && !strings.Contains(e.line, m[1]):
		e.line += " " + strings.TrimSpace(m[0])
	case e.typ == "ValidationError":
		e.line += invalid(e.message)
	default:
		e.line += wrapped(e.message)
		e.message = withoutOthers(e.message)
	}
}

// withoutOthers is a message without the lines below it that others may have printed:
// its own are announced by a colon, indented, or items of a list.
func withoutOthers(message string) string {
	first, below, ok := strings.Cut(message, "\n")
	if !ok || strings.HasSuffix(first, ":") {
		return message
	}
	var b strings.Builder
	b.WriteString(first)
	for s := range strings.SplitSeq(below, "\n") {
		if s != "" && strings.IndexAny(s, " \t-*•") != 0 {
			break
		}
		b.WriteString("\n" + s)
	}
	return b.String()
}

// wrapped is what the next lines of a message add to the first, which breaks off: each
// is indented and continues the one before with a lowercase word.
func wrapped(message string) string {
	last, below, _ := strings.Cut(message, "\n")
	var b strings.Builder
	for s := range strings.SplitSeq(below, "\n") {
		if !endsInWord().MatchString(last) || !beginsInWord().MatchString(s) {
			break
		}
		b.WriteString(" " + strings.TrimSpace(s))
		last = s
	}
	return b.String()
}

// firstSentence is the first line of a message with a lowercase word, else the first with
// a word: one that is all capitals only calls for attention. It is "" for none.
func firstSentence(message string) (first string) {
	for s := range strings.Lines(message) {
		if s = strings.TrimSpace(s); !letters().MatchString(s) {
			continue
		}
		if lowercase().MatchString(s) {
			return s
		}
		first = cmp.Or(first, s)
	}
	return first
}

// invalid lists the fields that pydantic names, at most three, each with what is wrong:
// ": name – Field required".
func invalid(message string) string {
	var b strings.Builder
	_, below, _ := strings.Cut(message, "\n")
	n := 0 // a field is on one line, what is wrong on the next
	for s := range strings.Lines(below) {
		trimmed := strings.TrimSpace(s)
		if trimmed == "" || strings.Contains(s, "For further information") {
			continue
		}
		if n == 6 || indent(s) == 0 && !fieldPath().MatchString(trimmed) {
			break // the rest, or what others printed
		}
		b.WriteString([]string{": ", " – "}[n%2] + trimmed)
		n++
	}
	return b.String()
}
