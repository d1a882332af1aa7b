// Package quantity writes quantities as people read them.
package quantity

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Count is a number with its noun, such as "1 restart" or "2 restarts". The plural
// of the noun must be regular.
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// Size is a number of bytes in the unit that suits it, such as "1.5 KB". A KB has 1024
// bytes, as in what the platform's own tools print.
func Size(bytes int64) string {
	switch {
	case bytes < 1<<10:
		return Count(int(bytes), "byte")
	case bytes < 1<<20:
		return fmt.Sprintf("%.1f KB", float64(bytes)/(1<<10))
	}
	return Megabytes(bytes)
}

// Megabytes is a number of bytes in MB, however small: sizes that stand beneath
// each other compare at a glance when they have one unit.
func Megabytes(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/(1<<20)) }

// Span is how long something took, such as "6.6s", "2m 10s" or "1h". Tenths
// of a second are shown below ten seconds only.
func Span(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	var parts []string
	seconds := int(d.Round(time.Second) / time.Second)
	for _, unit := range []struct {
		name    string
		seconds int
	}{{"h", 3600}, {"m", 60}, {"s", 1}} {
		if n := seconds / unit.seconds; n > 0 {
			parts = append(parts, strconv.Itoa(n)+unit.name)
		}
		seconds %= unit.seconds
	}
	return strings.Join(parts, " ")
}

// Limit is how long something may take, such as "5s" or "10m".
func Limit(d time.Duration) string {
	if d < 10*time.Second {
		return d.String()
	}
	return Span(d)
}

// Age is how long ago something happened, in its largest unit, such as "3 hours". A
// time in the future is "less than a minute", because clocks differ.
func Age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "less than a minute"
	case d < 2*time.Hour:
		return Count(int(d.Minutes()), "minute")
	case d < 48*time.Hour:
		return Count(int(d.Hours()), "hour")
	}
	return Count(int(d.Hours()/24), "day")
}
