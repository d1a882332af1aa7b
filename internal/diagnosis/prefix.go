package diagnosis

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

var (
	// collectors are what is before each line of a text that was collected; the last
	// group is what printed it. A time before it is gone.
	collectors = []*regexp.Regexp{
		regexp.MustCompile(`^(?:\d\d:\d\d:\d\d )?(?:\d+\|)?([A-Za-z][\w.-]*(?: stdout| stderr)?) +\| ?`),        // compose, honcho, pm2, supervisord
		regexp.MustCompile(`^(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d )?(?:[\w.-]+ )?([\w./-]+\[[\w./-]+\]): ?`), // journald, syslog, heroku
		regexp.MustCompile(`^\[([\w-]+(?:[./][\w./-]+)?)\] ?`),                                                  // kubectl, concurrently
		regexp.MustCompile(`^([\w-]+\[\w+\]) [a-z]+ \[\w+\] ?`),                                                 // fly
		regexp.MustCompile(`^<\d{1,3}>1 \S+ \S+ (\S+) \S+ \S+ - ?`),                                             // RFC 5424
		regexp.MustCompile(`^[EWIF]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ (\w)\S*:\d+\] ?`),                             // klog
	}
)

const (
	maxPrefix  = 200 // bytes of what is before a line
	maxStreams = 8   // programs that lines are separated by
	fewOthers  = 10  // a line in so many may have no prefix
)

// collected takes off what a collector put before each line of a text: its own forms,
// else what is before a traceback where the other lines have it, too. Lines of several
// programs are put together by program, the one whose exception is last at the end.
func collected(lines []string) []string {
	for _, form := range collectors {
		if ofForm(form, lines) {
			if all := inStreams(form, lines); all != nil {
				return all
			}
		}
	}
	for _, s := range lines {
		before, _, ok := strings.Cut(s, header)
		if before = strings.TrimSuffix(strings.TrimSuffix(before, "Exception Group "), "+ "); !ok || strings.TrimSpace(before) == "" || strings.ContainsAny(before, `{"`) {
			continue
		}
		if kept := strings.TrimRight(before, " "); len(before)-len(kept) > 1 {
			before = kept + " "
		}
		return withoutPrefix(before, lines)
	}
	return lines
}

// ofForm reports whether nearly all lines are of a form, as some of them already show.
func ofForm(form *regexp.Regexp, lines []string) bool {
	others, some := 0, 0
	for i, s := range lines {
		if s == "" {
			continue
		}
		some++
		if m := form.FindStringSubmatch(beginning(s)); m == nil || slices.Contains(levelNames, strings.ToUpper(m[1])) {
			if others++; others > 1+i/fewOthers {
				return false
			}
		}
	}
	return some > others && others <= some/fewOthers+1 && (some > 1 || others == 0)
}

// inStreams are the lines without what form takes off, by what printed them; nil where
// those are too many.
func inStreams(form *regexp.Regexp, lines []string) []string {
	type stream struct {
		lines []string
		name  string
		last  int // line with an exception; -1 for none
		until int
	}
	var streams []*stream
	for i, s := range lines {
		m := form.FindStringSubmatch(beginning(s))
		if m == nil {
			m = []string{"", ""}
			if len(streams) > 0 {
				m[1] = streams[len(streams)-1].name
			}
		} else {
			s = withoutStamp(s)[len(m[0]):]
		}
		at := slices.IndexFunc(streams, func(o *stream) bool { return o.name == m[1] })
		if at < 0 {
			if at = len(streams); at == maxStreams {
				return nil
			}
			streams = append(streams, &stream{name: m[1], last: -1})
		}
		o := streams[at]
		o.lines, o.until = append(o.lines, s), i
		if exceptionType(s) != "" || strings.Contains(s, header) {
			o.last = i
		}
	}
	if len(streams) > 1 && len(streams) > len(lines)/2 {
		return nil // what differs in each line is no name
	}
	slices.SortFunc(streams, func(a, b *stream) int {
		return cmp.Or(cmp.Compare(a.last, b.last), cmp.Compare(a.until, b.until))
	})
	var all []string
	for _, o := range streams {
		all = append(all, o.lines...)
	}
	return all
}

// withoutPrefix are lines without what is before each, where nearly all have it.
func withoutPrefix(prefix string, lines []string) []string {
	all := make([]string, len(lines))
	others := 0
	for i, s := range lines {
		n := follows(prefix, s)
		if n < 0 {
			n = 0
			if s != "" {
				others++
			}
		}
		all[i] = s[n:]
	}
	if others > len(lines)/fewOthers+1 {
		return lines
	}
	return all
}

// beginning is what a prefix can be at.
func beginning(s string) string {
	s = withoutStamp(s)
	return s[:min(len(s), maxPrefix)]
}

func withoutStamp(s string) string {
	if s != "" && (isDigit(s[0]) || s[0] == '[') {
		return s[len(stamp.FindString(s)):]
	}
	return s
}
