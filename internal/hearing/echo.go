package hearing

import (
	"math"
	"time"
)

const (
	latest   = 35  // windows after which what a caller says comes back, at most
	compared = 35  // windows of it that are compared, at least: a short answer may be like a short question
	alike    = 0.8 // how far their levels agree with those of an echo, at least
	tail     = 5   // windows that an echo lasts longer than what was said
)

// echo is what a caller says, and what is heard from then on: an echo when the levels of
// the two agree. The zero echo is of a caller who says nothing.
type echo struct {
	from        time.Duration
	said, heard []float64 // amplitudes of windows
}

// Say says what a caller says from a time on, as it may come back.
func (e *Ear) Say(from time.Duration, samples []int16, rate int) {
	e.echo = echo{from: from}
	var m meter
	m.measure(Frame{Samples: samples, Rate: rate}, func(m measured) { e.echo.said = append(e.echo.said, amplitude(m)) })
}

func amplitude(m measured) float64 { return math.Pow(10, m.level/20) }

// add takes a window that is heard.
func (e *echo) add(began time.Duration, m measured) {
	n := int((began - e.from) / window)
	if began < e.from || n >= len(e.said)+2*latest {
		return
	}
	for len(e.heard) <= n {
		e.heard = append(e.heard, 0)
	}
	e.heard[n] = amplitude(m)
}

// end is when the echo of what was said is over, if there is one.
func (e *echo) end() (at time.Duration, echoes bool) {
	most := alike
	for lag := range min(latest, len(e.heard)) {
		n := min(len(e.said), len(e.heard)-lag)
		if n < compared {
			break
		}
		if r := correlation(e.said[:n], e.heard[lag:lag+n]); r > most {
			most, echoes = r, true
			at = e.from + time.Duration(len(e.said)+lag)*window
		}
	}
	return at, echoes
}

// without returns what is left of spans without the echo.
func (e *echo) without(spans []Span) []Span {
	end, echoes := e.end()
	if !echoes {
		return spans
	}
	var left []Span
	for _, s := range spans {
		if s.From >= e.from && s.From < end {
			if s.To <= end+tail*window {
				continue
			}
			s.From = e.sounds(end)
		}
		left = append(left, s)
	}
	return left
}

// sounds is when something sounds after the end of the echo.
func (e *echo) sounds(end time.Duration) time.Duration {
	for at := end + window; ; at += window {
		if n := int((at - e.from) / window); n >= len(e.heard) || 20*math.Log10(e.heard[n]) >= quiet {
			return at
		}
	}
}

// correlation is how far two series of the same length go together, at most 1.
func correlation(a, b []float64) float64 {
	var sumA, sumB, squareA, squareB, product float64
	for i, x := range a {
		y := b[i]
		sumA, sumB = sumA+x, sumB+y
		squareA, squareB, product = squareA+x*x, squareB+y*y, product+x*y
	}
	n := float64(len(a))
	deviations := math.Sqrt((n*squareA - sumA*sumA) * (n*squareB - sumB*sumB))
	if !(deviations > 0) { // one of them never changes
		return 0
	}
	return (n*product - sumA*sumB) / deviations
}
