package hearing_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/zaf/g711"

	"pipecat-cloud-deploy/internal/hearing"
)

// sound is a signal by the time since its beginning, between -1 and 1.
type sound func(seconds float64) float64

func silent(float64) float64 { return 0 }

// dB is a factor of loudness.
func dB(level float64) float64 { return math.Pow(10, level/20) }

// tone is a sum of sines, each as loud as said.
func tone(level float64, hertz ...float64) sound {
	loud := dB(level)
	return func(t float64) (x float64) {
		for _, f := range hertz {
			x += math.Sin(2 * math.Pi * f * t)
		}
		return x * loud
	}
}

// noise is white when its color is 0, and the browner the nearer that is to 1.
func noise(level, color float64) sound {
	random, last, loud := rand.New(rand.NewPCG(1, 2)), 0.0, dB(level)
	return func(float64) float64 {
		last = color*last + math.Sqrt(1-color*color)*random.NormFloat64()
		return last * loud
	}
}

// speech has harmonics of a voice that glides, in a number of syllables a second.
func speech(level, syllables float64) sound {
	loud := dB(level)
	return func(t float64) (x float64) {
		phase := 2 * math.Pi * (120*t + 8*math.Sin(2*math.Pi*0.7*t))
		before, sine, twice := 0.0, math.Sin(phase), 2*math.Cos(phase)
		for h := 1.0; h < 20; h++ {
			x += sine / h
			before, sine = sine, twice*sine-before // of the next multiple of the phase
		}
		syllable := math.Sin(math.Pi * syllables * t)
		return x * syllable * syllable * loud
	}
}

// steadyVowel is a voice that holds a vowel for a time before it continues.
func steadyVowel(level, seconds float64) sound {
	vowel, words := tone(level, 150, 300, 450, 700), speech(level, 4)
	return func(t float64) float64 {
		if t < seconds {
			return vowel(t)
		}
		return words(t - seconds)
	}
}

// bursts lets a sound through for a time, again and again.
func bursts(s sound, on, every float64) sound {
	return func(t float64) float64 {
		if math.Mod(t, every) < on {
			return s(t)
		}
		return 0
	}
}

// between lets a sound through between two times, at which it begins again.
func between(from, to float64, s sound) sound {
	return func(t float64) float64 {
		if t < from || t >= to {
			return 0
		}
		return s(t - from)
	}
}

// fade lets a sound rise in a time.
func fade(s sound, seconds float64) sound {
	return func(t float64) float64 { return s(t) * min(1, t/seconds) }
}

func mix(sounds ...sound) sound {
	return func(t float64) (x float64) {
		for _, s := range sounds {
			x += s(t)
		}
		return x
	}
}

// moves gives a sound the level in dB that it has at each time.
func moves(s sound, level func(seconds float64) float64) sound {
	return func(t float64) float64 { return s(t) * dB(level(t)) }
}

// steps are levels, each for a time, again and again.
func steps(every float64, levels ...float64) func(float64) float64 {
	return func(t float64) float64 { return levels[int(t/every)%len(levels)] }
}

// wanders is a level that differs at random from another each time.
func wanders(every, level, deviation float64) func(float64) float64 {
	random := rand.New(rand.NewPCG(1, 3))
	levels := make([]float64, 100)
	for i := range levels {
		levels[i] = level + deviation*random.NormFloat64()
	}
	return steps(every, levels...)
}

// slides goes from one level to another in a time, and stays there.
func slides(seconds, from, to float64) func(float64) float64 {
	return func(t float64) float64 { return from + (to-from)*min(1, t/seconds) }
}

// pink is noise between white and brown, by the filter of Paul Kellet.
func pink() sound {
	random := rand.New(rand.NewPCG(5, 6))
	var low, middle, high float64
	return func(float64) float64 {
		white := random.NormFloat64()
		low = 0.99765*low + 0.0990460*white
		middle = 0.96300*middle + 0.2965164*white
		high = 0.57000*high + 1.0526913*white
		return (low + middle + high + 0.1848*white) / 2
	}
}

// whisper is noise in a number of syllables a second, between which it does not cease.
func whisper(level, syllables float64) sound {
	breath := noise(level, 0)
	return func(t float64) float64 {
		syllable := math.Sin(math.Pi * syllables * t)
		return breath(t) * (0.1 + 0.9*syllable*syllable)
	}
}

// music is a plucked chord every half second, of which a little remains.
func music(level float64) sound {
	return func(t float64) float64 {
		root := []float64{262, 330, 392, 349}[int(2*t)%4]
		return tone(level, root, 1.25*root, 1.5*root)(t) * (0.4 + 0.6*math.Exp(-4*math.Mod(t, 0.5)))
	}
}

// telephone is a sound as G.711 carries it.
func telephone(s sound) sound {
	return func(t float64) float64 {
		x := int16(max(-1, min(1, s(t))) * math.MaxInt16)
		return float64(g711.DecodeUlawFrame(g711.EncodeUlawFrame(x))) / math.MaxInt16
	}
}

// frames are a sound of a length, in frames that arrive in time.
func frames(s sound, seconds float64, rate, size int) (all []hearing.Frame) {
	for n := 0; n < int(seconds*float64(rate)); n += size {
		f := hearing.Frame{At: time.Duration(n) * time.Second / time.Duration(rate), Rate: rate}
		for i := range size {
			x := s(float64(n+i)/float64(rate)) * math.MaxInt16
			f.Samples = append(f.Samples, int16(max(math.MinInt16, min(math.MaxInt16, x))))
		}
		all = append(all, f)
	}
	return all
}

// listen returns when a voice is heard in frames, and when that is known.
func listen(all []hearing.Frame) (spans []hearing.Span, known time.Duration) {
	var ear hearing.Ear
	for _, f := range all {
		ear.Hear(f)
		if known == 0 && len(ear.Spans()) > 0 {
			known = f.At + time.Duration(len(f.Samples))*time.Second/time.Duration(f.Rate)
		}
	}
	return ear.Spans(), known
}

// TestNoVoice holds that what any line may have is no voice.
func TestNoVoice(t *testing.T) {
	for name, s := range map[string]sound{
		"silence":                       silent,
		"an offset":                     func(float64) float64 { return 0.2 },
		"comfort noise":                 noise(-60, 0),
		"comfort noise that is loud":    noise(-45, 0.5),
		"hiss":                          noise(-35, 0),
		"loud hiss":                     noise(-20, 0),
		"hiss that begins":              between(1, 9, noise(-30, 0)),
		"hiss that begins and ends":     between(1, 3, noise(-30, 0)),
		"hiss that begins slowly":       fade(noise(-30, 0), 0.5),
		"hiss in gusts":                 bursts(noise(-30, 0), 1, 2),
		"rustle":                        noise(-30, 0.9),
		"rumble":                        noise(-20, 0.99),
		"hum":                           tone(-20, 50),
		"hum with harmonics":            tone(-25, 60, 120, 180, 240),
		"a tone":                        tone(-15, 440),
		"a high tone":                   tone(-15, 3000),
		"a tone that begins":            between(2, 20, tone(-15, 1000)),
		"a tone that begins slowly":     fade(tone(-15, 1000), 0.3),
		"a tone that ends late":         between(0, 7, tone(-15, 1000)),
		"a dial tone":                   tone(-15, 350, 440),
		"a ringing tone, while it is":   tone(-15, 440, 480),
		"a tone in hiss":                mix(tone(-15, 440), noise(-35, 0)),
		"clicks":                        bursts(noise(-6, 0), 0.002, 0.3),
		"many clicks":                   bursts(noise(-6, 0), 0.002, 0.07),
		"pops":                          bursts(noise(-10, 0), 0.03, 0.5),
		"a knock":                       between(1, 1.07, noise(-10, 0)),
		"a blip":                        between(1, 1.1, tone(-10, 800)),
		"clicks in hiss":                mix(noise(-35, 0), bursts(noise(-6, 0), 0.005, 0.45)),
		"clicks in a tone":              mix(tone(-20, 440), bursts(noise(-3, 0), 0.005, 0.45)),
		"comfort noise in bursts":       bursts(noise(-45, 0.5), 0.2, 0.3),
		"quiet comfort noise in bursts": bursts(noise(-55, 0), 0.3, 0.5),
		"hiss with lost packets":        bursts(noise(-40, 0), 0.98, 1),
		"hiss by telephone":             telephone(noise(-60, 0.5)),
		"silence by telephone":          telephone(silent),
		"hum by telephone":              telephone(tone(-30, 60, 120, 180)),
		"breath":                        func(t float64) float64 { return noise(-45, 0.3)(t) * math.Abs(math.Sin(math.Pi*t/2)) },
		"a key that was pressed":        between(1, 1.1, tone(-15, 697, 1209)),
		"a ringing tone":                bursts(tone(-19, 440, 480), 2, 6),
		"a voice that is far too quiet": speech(-65, 4),
		"a voice that nobody can hear":  speech(-50, 4),

		"noise that falls by a step":           mix(between(0, 0.6, noise(-46, 0)), between(0.6, 9, noise(-50, 0))),
		"loud noise that falls by a step":      mix(between(0, 0.6, noise(-30, 0)), between(0.6, 9, noise(-36, 0))),
		"noise in steps":                       moves(noise(0, 0), steps(0.3, -52, -56)),
		"noise in short steps":                 moves(noise(0, 0), steps(0.16, -48, -52)),
		"loud noise in steps":                  moves(noise(0, 0), steps(0.3, -30, -35)),
		"dull noise in steps":                  moves(noise(0, 0.5), steps(0.3, -44, -49)),
		"brown noise in steps":                 moves(noise(0, 0.99), steps(0.3, -30, -35)),
		"pink noise in steps":                  moves(pink(), steps(0.3, -40, -45)),
		"noise that wanders":                   moves(noise(0, 0), wanders(0.16, -50, 1.5)),
		"noise that wanders far":               moves(noise(0, 0), wanders(0.16, -50, 2)),
		"noise that wanders fast":              moves(noise(0, 0), wanders(0.1, -50, 2)),
		"noise that wanders slowly":            moves(noise(0, 0), wanders(0.4, -50, 1.5)),
		"loud noise that wanders":              moves(noise(0, 0), wanders(0.16, -35, 1.5)),
		"pink noise that wanders":              moves(pink(), wanders(0.16, -40, 1.5)),
		"noise that rises slowly":              moves(noise(0, 0), slides(2, -60, -45)),
		"noise that falls slowly":              moves(noise(0, 0), slides(2, -45, -60)),
		"loud noise that rises and falls":      moves(noise(0, 0), func(t float64) float64 { return -30 - 12*math.Abs(math.Mod(t, 2)-1) }),
		"loud noise that falls silent":         moves(noise(0, 0), slides(4, -30, -90)),
		"noise in steps, that begins":          between(2, 9, moves(noise(0, 0), steps(0.3, -44, -48))),
		"noise in steps, with clicks":          mix(moves(noise(0, 0), steps(0.3, -46, -50)), bursts(noise(-6, 0), 0.005, 0.37)),
		"noise that falls by a step, by phone": telephone(mix(between(0, 0.6, noise(-40, 0)), between(0.6, 9, noise(-44, 0)))),
	} {
		for _, rate := range []int{8000, 44100} {
			if spans, _ := listen(frames(s, 8, rate, rate/50)); len(spans) > 0 {
				t.Errorf("%s at %d Hz: a voice at %v", name, rate, spans)
			}
		}
	}
}

// TestVoice holds that a voice is heard, when it began, and within 300 ms.
func TestVoice(t *testing.T) {
	const soon = 300 * time.Millisecond
	for _, tt := range []struct {
		name  string
		sound sound
		began float64
		known time.Duration // after its beginning; 0: soon
	}{
		{"at once", speech(-15, 4), 0, 0},
		{"after silence", between(2, 9, speech(-15, 4)), 2, 0},
		{"fast", between(2, 9, speech(-15, 7)), 2, 0},
		{"slow", between(2, 9, speech(-15, 2.5)), 2, 400 * time.Millisecond},
		{"quiet", between(2, 9, speech(-28, 4)), 2, 0},
		{"very quiet", between(2, 9, speech(-40, 4)), 2, 500 * time.Millisecond},
		{"very quiet, by telephone", telephone(between(2, 9, speech(-40, 4))), 2, 500 * time.Millisecond},
		{"clipped", between(2, 9, speech(10, 4)), 2, 0},
		{"over comfort noise", mix(noise(-60, 0), between(2, 9, speech(-20, 4))), 2, 0},
		{"over hiss", mix(noise(-40, 0), between(2, 9, speech(-12, 4))), 2, 400 * time.Millisecond},
		{"over hiss, at once", mix(noise(-40, 0), speech(-12, 4)), 0, 0},
		{"over hum", mix(tone(-25, 50, 100), between(2, 9, speech(-15, 4))), 2, 0},
		{"over hum that is as loud", mix(tone(-30, 50, 100, 150), between(2, 9, speech(-25, 4))), 2, 400 * time.Millisecond},
		{"over hum of another country, by telephone", telephone(mix(tone(-30, 60, 120, 180), between(2, 9, speech(-20, 4)))), 2, 400 * time.Millisecond},
		{"over a tone", mix(tone(-30, 440), between(2, 9, speech(-10, 4))), 2, 0},
		{"after clicks", mix(bursts(noise(-6, 0), 0.002, 0.7), between(3.6, 9, speech(-15, 4))), 3.6, 0},
		{"very slow", between(2, 9, speech(-15, 1.5)), 2, 500 * time.Millisecond},
		{"over noise in steps", mix(moves(noise(0, 0), steps(0.3, -50, -54)), between(2, 9, speech(-20, 4))), 2, 0},
		{"over noise that is nearly as loud", mix(noise(-36, 0), between(2, 9, speech(-12, 4))), 2, 400 * time.Millisecond},
		{"that fades", between(2, 9, moves(speech(-15, 4), slides(2, 0, -40))), 2, 0},
		{"that swells", between(2, 9, moves(speech(-15, 4), slides(2, -15, 0))), 2, 400 * time.Millisecond},
		{"breathy", between(2, 9, mix(speech(-20, 4), whisper(-28, 4))), 2, 0},
		{"breathy and quiet", between(2, 9, mix(speech(-30, 4), whisper(-42, 4))), 2, 0},
		{"a whisper", between(2, 9, whisper(-25, 4)), 2, 0},
		{"a whisper at once", whisper(-25, 4), 0, 0},
		{"a slow whisper", between(2, 9, whisper(-25, 2.5)), 2, 400 * time.Millisecond},
		{"a whisper over comfort noise", mix(noise(-60, 0), between(2, 9, whisper(-30, 4))), 2, 0},
		{"a word", between(2, 2.5, speech(-15, 4)), 2, 0},
		{"a long vowel", between(2, 9, steadyVowel(-20, 0.6)), 2, time.Second},
		{"syllables of noise", between(2, 9, bursts(noise(-20, 0), 0.2, 0.3)), 2, 500 * time.Millisecond},
		{"syllables of a tone", between(2, 9, bursts(tone(-20, 300), 0.15, 0.25)), 2, 500 * time.Millisecond},
		{"music", between(2, 9, music(-20)), 2, 400 * time.Millisecond},
		{"keys that are pressed", between(2, 9, bursts(tone(-15, 697, 1209), 0.1, 0.2)), 2, 0},
		{"a beep", between(2, 3, tone(-15, 440)), 2, 1400 * time.Millisecond},
		{"a beep at once", between(0, 1, tone(-15, 440)), 0, 1400 * time.Millisecond},
		{"a chime", between(2, 4, func(t float64) float64 { return tone(-10, 880)(t) * math.Exp(-3*t) }), 2, 0},
	} {
		for _, rate := range []int{8000, 24000} {
			t.Run(fmt.Sprint(tt.name, " at ", rate), func(t *testing.T) {
				spans, known := listen(frames(tt.sound, 5, rate, rate/50))
				if len(spans) == 0 {
					t.Fatal("not heard")
				}
				began := time.Duration(tt.began * float64(time.Second))
				if off := spans[0].From - began; off < -20*time.Millisecond || off > 80*time.Millisecond {
					t.Errorf("it is heard from %v on, but began at %v", spans[0].From, began)
				}
				limit := max(soon, tt.known)
				if known-began > limit {
					t.Errorf("it is known %v after it began, later than %v", known-began, limit)
				}
			})
		}
	}
}

// TestSpans holds when each utterance is said to begin and to end.
func TestSpans(t *testing.T) {
	line := mix(noise(-60, 0), between(1, 3, speech(-15, 4)), between(5, 6.5, speech(-15, 5)))
	spans, _ := listen(frames(line, 10, 16000, 320))
	want := []hearing.Span{{time.Second, 3 * time.Second}, {5 * time.Second, 6500 * time.Millisecond}}
	if len(spans) != len(want) {
		t.Fatalf("got %v, want about %v", spans, want)
	}
	for i := range want {
		if from, to := spans[i].From-want[i].From, spans[i].To-want[i].To; from.Abs() > 80*time.Millisecond || to.Abs() > 80*time.Millisecond {
			t.Errorf("got %v, want about %v", spans[i], want[i])
		}
	}
}

// TestArrival holds that a line on which nothing arrives is silent, that frames of
// any size are heard alike, and that a network that delays them makes no sound.
func TestArrival(t *testing.T) {
	word := frames(speech(-15, 4), 1, 8000, 160)
	var late []hearing.Frame
	for _, f := range word {
		f.At += 90 * time.Second
		late = append(late, f)
	}
	spans := hearing.Listen(append(word, late...))
	if len(spans) != 2 || spans[1].From.Round(100*time.Millisecond) != 90*time.Second {
		t.Errorf("words at 0s and 90s are heard at %v", spans)
	}
	for _, size := range []int{1, 80, 320, 8000, 80000} {
		spans, _ := listen(frames(between(2, 4, speech(-15, 4)), 10, 8000, size))
		if len(spans) != 1 || (spans[0].From-2*time.Second).Abs() > 80*time.Millisecond {
			t.Errorf("frames of %d samples: %v", size, spans)
		}
	}
	hiss := frames(noise(-30, 0), 10, 8000, 160)
	for i := range hiss { // all of a third of a second arrive at its end
		hiss[i].At = (hiss[i].At/(333*time.Millisecond) + 1) * 333 * time.Millisecond
	}
	if spans := hearing.Listen(hiss); len(spans) > 0 {
		t.Errorf("hiss that arrives in lumps: %v", spans)
	}
}

// TestClear holds that what an agent takes back was never said.
func TestClear(t *testing.T) {
	var ear hearing.Ear
	for _, f := range frames(speech(-15, 4), 10, 8000, 160) {
		f.At = 0
		ear.Hear(f)
	}
	ear.Clear(2 * time.Second)
	if spans := ear.Spans(); len(spans) != 1 || spans[0].To != 2*time.Second || ear.Speaking() {
		t.Errorf("after a clear at 2s: %v, speaking %v", spans, ear.Speaking())
	}
	ear.Clear(0)
	if spans := ear.Spans(); len(spans) != 0 {
		t.Errorf("after a clear at 0s: %v", spans)
	}
}

// TestOddFrames holds that frames of no sense are no sound, nor a fault.
func TestOddFrames(t *testing.T) {
	for _, f := range []hearing.Frame{{}, {Rate: -1, Samples: []int16{1}}, {Rate: 8000}, {Rate: math.MaxInt, Samples: []int16{1}}, {Rate: 1, Samples: []int16{1}}, {At: -time.Hour, Rate: 8000, Samples: []int16{1}}} {
		if spans := hearing.Listen([]hearing.Frame{f, f}); len(spans) > 0 {
			t.Errorf("%+v: %v", f, spans)
		}
	}
	var ear hearing.Ear
	for range 3 {
		ear.Hear(hearing.Frame{Rate: 8000, Samples: make([]int16, 8000*100)})
	}
	ear.Silence(1 << 62)
}

// TestEcho holds that an ear which knows what the caller says hears no echo of it, but
// the agent, before, over and after an echo.
func TestEcho(t *testing.T) {
	const from, ends = 3.0, 5.0 // of what the caller says
	question := between(from, ends, speech(-20, 5))
	back := func(seconds, gain float64) sound {
		return func(t float64) float64 { return gain * question(t-seconds) }
	}
	var samples []int16
	for _, f := range frames(between(0, ends-from, speech(-20, 5)), ends-from, 8000, 160) {
		samples = append(samples, f.Samples...)
	}
	for _, tt := range []struct {
		name  string
		sound sound
		spans []float64 // when they begin, about
	}{
		{"alone", back(0.2, 1), nil},
		{"at once", back(0, 1), nil},
		{"late", back(0.55, 1), nil},
		{"loud", back(0.2, 4), nil},
		{"quiet", back(0.2, 0.1), nil},
		{"by telephone", telephone(back(0.2, 0.3)), nil},
		{"in hiss", mix(noise(-50, 0), back(0.2, 0.5)), nil},
		{"after a greeting", mix(between(0.5, 2, speech(-15, 4)), back(0.2, 1)), []float64{0.5}},
		{"into a greeting", mix(between(0.5, 4, speech(-15, 4)), back(0.2, 0.3)), []float64{0.5}},
		{"before an answer", mix(back(0.2, 1), between(6, 7, speech(-15, 4))), []float64{6}},
		{"right before an answer", mix(back(0.2, 1), between(5.5, 7, speech(-15, 4))), []float64{5.5}},
		{"no echo, but an answer", between(5.2, 7, speech(-15, 4)), []float64{5.2}},
		{"no echo, but the agent cuts in", between(4, 7, speech(-15, 4)), []float64{4}},
		{"no echo, but the agent cuts in and stops", between(3.5, 4.5, speech(-15, 4)), []float64{3.5}},
	} {
		var ear hearing.Ear
		for i, f := range frames(tt.sound, 8, 8000, 160) {
			if i == from*50 {
				ear.Say(f.At, samples, 8000)
			}
			ear.Hear(f)
		}
		ok := len(ear.Spans()) == len(tt.spans)
		for i, s := range ear.Spans() {
			ok = ok && math.Abs(s.From.Seconds()-tt.spans[i]) < 0.1
		}
		if !ok {
			t.Errorf("%s: %v, want some that begin at about %v", tt.name, ear.Spans(), tt.spans)
		}
	}
}

// TestResponse holds which sound answers what a caller said from 3 to 5 s.
func TestResponse(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		name     string
		from, to time.Duration
		after    time.Duration
		answers  bool
	}{
		{"after it", 5500 * ms, 6000 * ms, 500 * ms, true},
		{"a little early", 4800 * ms, 5100 * ms, 0, true},
		{"early, and no longer", 4800 * ms, 5000 * ms, 0, false},
		{"over it, and well past it", 3500 * ms, 5800 * ms, 0, true},
		{"over it, and a little longer", 3500 * ms, 5600 * ms, 0, false},
		{"within it", 3500 * ms, 4000 * ms, 0, false},
		{"since before it", 2500 * ms, 9000 * ms, 0, false},
	} {
		call := hearing.Call{Agent: []hearing.Span{{tt.from, tt.to}}, Caller: []hearing.Span{{3 * time.Second, 5 * time.Second}}}
		if after, answers := call.Response(); after != tt.after || answers != tt.answers {
			t.Errorf("%s: %v, %v", tt.name, after, answers)
		}
	}
}

func BenchmarkHear(b *testing.B) {
	all := frames(mix(noise(-60, 0), speech(-15, 4)), 1, 24000, 480)
	for b.Loop() {
		hearing.Listen(all)
	}
}
