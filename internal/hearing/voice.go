package hearing

import "time"

const (
	enough   = 6   // windows of sound that a voice has before it is believed
	syllable = 4   // windows that the shortest has; a click has fewer
	longest  = 20  // windows that a syllable of a rhythm has at most
	closure  = 1   // windows of silence within a syllable, such as before a p
	rest     = 15  // windows of silence between two syllables of a rhythm, at most
	swing    = 3.0 // dB by which the level falls within a word
	extends  = 3   // windows for which a voice continues; a click has fewer
	loud     = -40 // dB that a syllable without a pitch has; comfort noise that comes and goes has less
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
	tonal  int  // windows of them that have a pitch
	swings bool // the level has fallen by as much as a voice's does

	peak   float64 // the loudest level that was held, if held
	held   bool
	levels []float64 // of the last windows without a silence, at most 3
}

// isSyllable reports whether it may be a syllable of a rhythm.
func (r *run) isSyllable() bool {
	return r.length >= syllable && r.length <= longest && (2*r.tonal >= r.length || r.held && r.peak >= loud)
}

// add takes the next window. A level counts as high when three windows have it, and
// as low when two do, so that neither a click nor the edge of a sound is a swing.
func (r *run) add(m measured) {
	r.length++
	if m.tonal {
		r.tonal++
	}
	if r.levels = append(r.levels, m.level); len(r.levels) > 3 {
		r.levels = append(r.levels[:0], r.levels[1:]...)
	}
	n := len(r.levels)
	if n >= 2 && r.held && max(r.levels[n-1], r.levels[n-2]) <= r.peak-swing {
		r.swings = true
	}
	if n == 3 {
		if high := min(r.levels[0], r.levels[1], r.levels[2]); !r.held || high > r.peak {
			r.peak, r.held = high, true
		}
	}
}

// interrupt says that a silence is between the last window and the next.
func (r *run) interrupt() { r.levels = r.levels[:0] }
