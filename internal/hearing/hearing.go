// Package hearing distinguishes an agent's voice from what else may be on a line: silence,
// comfort noise, clicks, and a tone that does not end. It is pure: it knows time
// only from its frames.
package hearing

import "time"

// The rates of sound that can be heard, in samples a second.
const (
	MinRate = 1000
	MaxRate = 384_000
)

// Frame is sound that arrived on a line.
type Frame struct {
	At      time.Duration // when it arrived, since the connection
	Samples []int16       // mono
	Rate    int           // samples in a second
}

// Span is a time in which someone spoke, since the connection.
type Span struct{ From, To time.Duration }

// Listen returns when frames, in the order in which they arrived, have a voice.
func Listen(frames []Frame) []Span {
	var ear Ear
	for _, f := range frames {
		ear.Hear(f)
	}
	return ear.Spans()
}

// Slack is by how much a network may delay frames without making a silence of it.
const Slack = 400 * time.Millisecond

const (
	window = 20 * time.Millisecond

	quiet  = -55.0 // dB of full scale: what is below is no voice
	above  = 8.0   // dB that a voice is above the noise
	memory = 50    // windows of which the quietest is the noise
	pause  = 25    // windows of silence that end a span

	buffered = time.Minute // of sound ahead of its time that is listened to
	maxSpans = 1000
)

// Ear listens to one line. The zero Ear has heard nothing.
//
// Sound is judged in windows of 20 ms, by their level. A window sounds when it is
// above an absolute threshold, and well above the quietest window of the last
// second, which is the noise. What sounds is a voice when its level moves as that of
// speech does, and noise and tones do not: see voice. A short tone that is over,
// such as a beep, is the agent's own sound, too. An echo of the caller is not.
type Ear struct {
	meter meter
	at    time.Duration // the end of the last window
	last  []float64     // levels of the last windows, at most memory
	voice voice
	tone  tone
	echo  echo
	spans []Span
}

// Hear listens to the next frame. One that comes late follows a silence.
func (e *Ear) Hear(f Frame) {
	if f.Rate < MinRate || f.Rate > MaxRate || e.at > f.At+buffered {
		return
	}
	if f.At > e.at+Slack {
		e.Silence(f.At)
	}
	e.at = max(e.at, f.At) // a shorter break is the network's, and is not heard
	e.meter.measure(f, e.add)
}

// Silence says that nothing has arrived until a time.
func (e *Ear) Silence(until time.Duration) {
	e.meter = meter{}
	const forgets = 2 * memory * window // longer ones change nothing more
	if until-e.at > 2*forgets {
		e.Silence(e.at + forgets)
		e.at = until - forgets
	}
	for e.at+window <= until {
		e.add(measured{level: silence})
	}
}

// Clear says that what has arrived, and at a time is yet to be played, is not to be.
func (e *Ear) Clear(at time.Duration) {
	if at >= e.at {
		return
	}
	*e = Ear{at: at, echo: e.echo, spans: e.spans}
	for len(e.spans) > 0 && e.spans[len(e.spans)-1].From >= at {
		e.spans = e.spans[:len(e.spans)-1]
	}
	if n := len(e.spans); n > 0 {
		e.spans[n-1].To = min(e.spans[n-1].To, at)
	}
}

// Spans are the times in which a voice was heard that is no echo. The last of them may
// go on.
func (e *Ear) Spans() []Span { return e.echo.without(e.spans) }

// Speaking reports whether the last span continues.
func (e *Ear) Speaking() bool { return e.voice.heard }

// add judges the next window.
func (e *Ear) add(m measured) {
	began := e.at
	e.at += window
	e.echo.add(began, m)
	sounds := m.level >= quiet && m.level >= e.noise()+above
	if e.last = append(e.last, m.level); len(e.last) > memory {
		e.last = append(e.last[:0], e.last[1:]...)
	}
	wasHeard := e.voice.heard
	e.voice.add(began, m, sounds)
	beep, over := e.tone.add(began, m)
	switch {
	case e.voice.heard:
		e.keep(e.voice.span, wasHeard)
	case over && (len(e.spans) == 0 || beep.From > e.spans[len(e.spans)-1].To):
		e.keep(beep, false)
	}
	if e.voice.heard && e.voice.gap >= pause {
		e.voice = voice{}
	}
}

// noise is the level of the line without a voice; before it is known, that of
// silence.
func (e *Ear) noise() float64 {
	least := silence
	if len(e.last) == memory {
		least = e.last[0]
	}
	for _, level := range e.last {
		least = min(least, level)
	}
	return least
}

// keep adds a span, or says more of the last one.
func (e *Ear) keep(s Span, more bool) {
	switch n := len(e.spans); {
	case more && n > 0:
		e.spans[n-1] = s
	case n < maxSpans:
		e.spans = append(e.spans, s)
	}
}
