// Package quantity writes quantities as people read them.
package quantity

import (
	"fmt"
	"strconv"
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

// Size is a number of bytes in the unit that suits it, such as "1.5 KiB".
func Size(bytes int64) string {
	switch {
	case bytes < 1<<10:
		return Count(int(bytes), "byte")
	case bytes < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(bytes)/(1<<10))
	}
	return Mebibytes(bytes)
}

// Mebibytes is a number of bytes in MiB, however small: sizes that stand beneath
// each other compare at a glance when they have one unit.
func Mebibytes(bytes int64) string { return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20)) }

// Span is how long something took or may take, such as "6.6s" or "2m10s". Tenths
// of a second are shown below ten seconds only.
func Span(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return d.Round(time.Second).String()
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
