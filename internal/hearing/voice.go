package hearing

import "time"

const (
	enough   = 6   // windows of sound that a voice has before it is believed
	syllable = 4   // windows that the shortest has; a click has fewer
	longest  = 20  // windows that a syllable of a rhythm has at most
	closure  = 1   // windows of silence within a syllable, such as before a p
	rest     = 15  // windows of silence between two syllables of a rhythm, at most
	swing    = 3.0 // dB by which the level of a voice falls within a word
	dip      = 8.0 // dB by which that of a whisper does; noise that changes falls by less
	fades    = 0.5 // dB that a sound may fall in a window without a dip: it fades
	extends  = 3   // windows for which a voice continues; a click has fewer
	loud     = -40 // dB that a whisper has; comfort noise that comes and goes has less
)

// voice is a sound that may be a voice: one whose level swings within a run of
// windows, or that comes in syllables.
type voice struct {
	heard bool // it is a voice
	span  Span // from its first window that sounds to its last

	sounding int // windows
	notes    int // runs that may be syllables of a rhythm
	gap      int // windows of silence since
	run      run
}

// add takes the next window, which begins at a time.
func (v *voice) add(began time.Duration, m measured, sounds bool) {
	if sounds {
		v.sound(began, m)
	} else {
		v.silence()
	}
}

func (v *voice) sound(began time.Duration, m measured) {
	if !v.heard && v.notes == 0 && v.run.length == 0 {
		*v = voice{span: Span{From: began}}
	}
	v.sounding++
	v.run.add(m)
	if v.heard && v.run.length < extends {
		v.gap++
		return
	}
	v.span.To, v.gap = began+window, 0
	rhythm := v.notes > 0 && v.run.isSyllable()
	v.heard = v.heard || v.sounding >= enough && (v.run.swings || rhythm)
}

func (v *voice) silence() {
	v.gap++
	v.run.interrupt()
	if v.gap <= closure {
		return
	}
	switch {
	case v.run.isSyllable():
		v.notes++
	case v.run.length > longest:
		v.notes = 0
	}
	v.run = run{}
	if v.gap > rest && !v.heard {
		*v = voice{}
	}
}

// run is a row of windows that sound.
type run struct {
	length int
	voiced int  // windows of them that have a pitch
	tonal  int  // windows of them that are a tone
	swings bool // the level has fallen by as much as a voice's does

	held   bool      // a level was, for three windows
	peak   float64   // the loudest level that was
	recent float64   // the same, less what it may have faded since
	levels []float64 // of the last windows without a silence, at most 3
}

// isSyllable reports whether it may be a syllable of a rhythm.
func (r *run) isSyllable() bool {
	return r.length >= syllable && r.length <= longest && (2*r.tonal >= r.length || r.isLoud())
}

func (r *run) isLoud() bool { return r.held && r.peak >= loud }

// isVoiced reports whether it has vowels; the consonants before them have no pitch.
func (r *run) isVoiced() bool { return 4*r.voiced >= r.length }

// add takes the next window. A level counts as high when three windows have it, and
// as low when two do, so that neither a click nor the edge of a sound is a swing.
// Noise has no pitch: its level must move as that of a whisper does.
func (r *run) add(m measured) {
	r.length++
	if m.voiced {
		r.voiced++
	}
	if m.tonal {
		r.tonal++
	}
	if r.levels = append(r.levels, m.level); len(r.levels) > 3 {
		r.levels = append(r.levels[:0], r.levels[1:]...)
	}
	n := len(r.levels)
	if n >= 2 && r.held {
		low := max(r.levels[n-1], r.levels[n-2])
		r.swings = r.swings || r.isVoiced() && low <= r.peak-swing || r.isLoud() && low <= r.recent-dip
	}
	r.recent -= fades
	if n == 3 {
		high := min(r.levels[0], r.levels[1], r.levels[2])
		if !r.held {
			r.held, r.peak, r.recent = true, high, high
		}
		r.peak, r.recent = max(r.peak, high), max(r.recent, high)
	}
}

// interrupt says that a silence is between the last window and the next.
func (r *run) interrupt() { r.levels = r.levels[:0] }
