package hearing

import (
	"math"
	"time"
)

const (
	shortTone = 10  // windows that a beep has at least
	longTone  = 250 // windows that it has at most; longer tones are the line's
	steady    = 1.5 // dB by which its level may differ
	drop      = 10  // dB by which it falls at its end
	overAfter = 10  // windows after which it is over
)

// tone is a steady tone. When it ends soon it was a beep.
type tone struct {
	span   Span
	length int // windows
	after  int // windows since
	level  float64
}

// add takes the next window, and returns a beep when it is over.
func (t *tone) add(began time.Duration, m measured) (beep Span, over bool) {
	switch {
	case t.after == 0 && m.tonal && m.level >= quiet && t.length > 0 && math.Abs(m.level-t.level) <= steady:
		t.length++
		t.span.To = began + window
	case t.length >= shortTone && t.length <= longTone && m.level <= t.level-drop:
		if t.after++; t.after == overAfter {
			beep, over = t.span, true
			*t = tone{}
		}
	case t.length >= shortTone && t.after == 0 && m.level < t.level: // its last window
	case m.tonal && m.level >= quiet:
		*t = tone{span: Span{From: began, To: began + window}, length: 1, level: m.level}
	default:
		*t = tone{}
	}
	return beep, over
}
