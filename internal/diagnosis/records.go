package diagnosis

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

const (
	maxRecord = 64 << 10 // bytes of a structured log line that is decoded
	maxNested = 3        // a record in the text of a record, as collectors put it there
)

// Names of a record's fields, as the usual loggers have them: Python's with
// python-json-logger, loguru and structlog, zap, zerolog, pino, ECS, Docker, GCP.
var (
	levelFields   = []string{"levelname", "level", "severity", "lvl", "log.level", "level_name"}
	messageFields = []string{"text", "message", "msg", "event", "log", "textPayload", "jsonPayload"}
	causeFields   = []string{"error", "err", "exc", "reason", "cause"}
	traceFields   = []string{"exc_info", "exception", "exc_text", "traceback", "stack_trace", "stacktrace", "stackTrace", "stack", "error.stack_trace", "error.stack"}
	withinFields  = []string{"record", "error", "err", "exception"}
)

// records returns the lines that a structured log line stands for; nil where it is
// no such line.
func records(s string, nested int) []line {
	at := strings.IndexByte(s, '{')
	if at < 0 || len(s) > maxRecord || nested > maxNested {
		return nil
	}
	var fields map[string]any
	if strings.HasSuffix(s, "}") && json.Unmarshal([]byte(s[at:]), &fields) == nil {
		return newRecord(fields).lines(nested)
	}
	if !strings.Contains(s, `\n`) || !strings.Contains(s, header) && !strings.Contains(s, `File \"`) && !strings.Contains(s, `File "`) {
		return nil
	}
	return torn(s, nested)
}

// tornRecord is records for a line that is the end of one.
func tornRecord(s string) []line {
	if len(s) > maxRecord || !strings.HasSuffix(s, "}") || !strings.Contains(s, `\n`) || !strings.Contains(s, `File \"`) && !strings.Contains(s, header) {
		return nil
	}
	return torn(s, 0)
}

// torn reads a record whose beginning or end is cut off: the text in it that has the
// traceback.
func torn(s string, nested int) []line {
	var text string
	for _, part := range quoted(s) {
		if strings.Contains(part, header) || text == "" && strings.Contains(part, `File \"`) {
			text = part
		}
	}
	if text == "" {
		return nil
	}
	return fragment(unquote(text), nested)
}

// quoted takes a text apart at the quotes that no backslash is before.
func quoted(s string) (parts []string) {
	from := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			parts, from = append(parts, s[from:i]), i+1
		}
	}
	return append(parts, s[min(from, len(s)):])
}

// unquote undoes the escapes of a text of which either end may be missing.
func unquote(s string) string {
	var text string
	if json.Unmarshal([]byte(`"`+s+`"`), &text) == nil {
		return text
	}
	return strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "", `\t`, "\t", `\"`, `"`).Replace(s)
}

// record is a structured log line, in the words that a plain one has.
type record struct{ level, message, cause, trace string }

func newRecord(fields map[string]any) (r record) {
	r.level = levelOf(fields)
	r.message = textOf(fields, messageFields)
	r.trace = textOf(fields, traceFields)
	r.cause = textOf(fields, causeFields)
	if r.trace == "" || !strings.Contains(r.trace, "\n") {
		for _, name := range []string{"exception", "exc_info"} {
			if t := structured(fields[name]); t != "" {
				r.trace = t
			}
		}
	}
	for _, name := range withinFields {
		within, ok := fields[name].(map[string]any)
		if !ok {
			continue
		}
		inner := newRecord(within)
		if r.level == "" {
			r.level = inner.level
		}
		if name == "record" { // loguru's, whose text is whole already
			if r.message == "" {
				r.message = inner.message
			}
			continue
		}
		if r.trace == "" {
			r.trace = inner.trace
		}
		if typ, _ := within["type"].(string); r.cause == "" && inner.message != "" {
			r.cause = strings.TrimPrefix(typ+": ", ": ") + inner.message
		}
	}
	return r
}

// lines are what a plain logger would have printed of the record.
func (r record) lines(nested int) []line {
	if r.message == "" && r.trace == "" && r.cause == "" {
		return nil
	}
	if r.level == "" && r.trace == "" && r.cause == "" { // a collector's envelope
		if inner := records(r.message, nested+1); inner != nil {
			return inner
		}
		return fragment(strings.TrimSuffix(r.message, "\n"), nested)
	}
	first, rest, _ := strings.Cut(r.message, "\n")
	l := newLine(first)
	if l.level == "" {
		l.level, l.message = r.level, strings.TrimSpace(l.text)
	}
	if l.level == "" {
		l.level = "INFO"
	}
	if r.cause != "" && !strings.Contains(r.message, r.cause) && !strings.Contains(r.trace, r.cause) {
		l.message = strings.TrimPrefix(l.message+": "+oneLine(r.cause), ": ")
	}
	l.record = true
	all := []line{l}
	if rest != "" {
		all = append(all, fragment(rest, nested)...)
	}
	if r.trace != "" && !strings.Contains(r.message, r.trace) {
		all = append(all, fragment(r.trace, nested)...)
	}
	return all
}

// fragment reads the lines of a text within a record.
func fragment(text string, nested int) (all []line) {
	for s := range strings.Lines(ends.Replace(text)) {
		s = strings.TrimRight(s, "\n")
		if inner := records(s, nested+1); inner != nil {
			all = append(all, inner...)
		} else {
			all = append(all, newLine(s))
		}
	}
	return all
}

func textOf(fields map[string]any, names []string) string {
	for _, name := range names {
		if s, ok := fields[name].(string); ok && strings.TrimSpace(s) != "" {
			return s
		}
	}
	return ""
}

// levelOf is a record's level in capitals: some loggers have a number, or an object
// with its name.
func levelOf(fields map[string]any) string {
	for _, name := range levelFields {
		switch v := fields[name].(type) {
		case string:
			return strings.ToUpper(v)
		case float64: // pino's and bunyan's
			if v >= 50 {
				return "ERROR"
			}
			return "INFO"
		case map[string]any:
			if s, ok := v["name"].(string); ok {
				return strings.ToUpper(s)
			}
		}
	}
	return ""
}

// structured writes down a traceback that structlog has taken apart.
func structured(v any) string {
	chain, ok := v.([]any)
	if !ok {
		return ""
	}
	var b strings.Builder
	for i := len(chain) - 1; i >= 0; i-- { // the last that was raised comes first
		e, ok := chain[i].(map[string]any)
		if !ok {
			return ""
		}
		b.WriteString(header + ":\n")
		frames, _ := e["frames"].([]any)
		for _, f := range frames {
			frame, _ := f.(map[string]any)
			n, _ := frame["lineno"].(float64)
			fmt.Fprintf(&b, "  File %s, line %s, in %v\n", `"`+fmt.Sprint(frame["filename"])+`"`, strconv.Itoa(int(n)), frame["name"])
			if s, _ := frame["line"].(string); s != "" {
				b.WriteString("    " + s + "\n")
			}
		}
		typ, _ := e["exc_type"].(string)
		value, _ := e["exc_value"].(string)
		b.WriteString(strings.TrimSuffix(typ+": "+value, ": ") + "\n\n")
	}
	return b.String()
}
