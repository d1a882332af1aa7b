package hearing

import "math"

const (
	silence  = -100.0 // dB of full scale
	base     = 8000   // samples in a second that sound is measured at, about
	emphasis = 0.95   // of the last sample that is subtracted from the next: hum and rumble do not count
	pitch    = 0.9    // of how far a tone resembles itself a period later
)

// measured is what is known of a window.
type measured struct {
	level float64 // dB of full scale
	tonal bool    // it has a pitch
}

// meter cuts sound into windows. The zero meter is at the beginning of one.
type meter struct {
	rate    int
	sum     int // of the samples that make one
	summed  int
	last    float64
	samples []float64
}

// measure adds a frame, and hands on each window that is full.
func (m *meter) measure(f Frame, add func(measured)) {
	if m.rate != f.Rate {
		*m = meter{rate: f.Rate}
	}
	factor := max(1, f.Rate/base)
	full := f.Rate / factor / 50
	for _, s := range f.Samples {
		m.sum += int(s)
		if m.summed++; m.summed < factor {
			continue
		}
		x := float64(m.sum) / float64(factor) / math.MaxInt16
		m.samples = append(m.samples, x-emphasis*m.last)
		m.last, m.sum, m.summed = x, 0, 0
		if len(m.samples) == full {
			add(measure(m.samples))
			m.samples = m.samples[:0]
		}
	}
}

func measure(samples []float64) measured {
	level := max(silence, 10*math.Log10(power(samples)+1e-12))
	return measured{level, level >= quiet && tonal(samples)}
}

func power(samples []float64) (p float64) {
	for _, x := range samples {
		p += x * x
	}
	return p / float64(len(samples))
}

// tonal reports whether a window repeats itself, after at most half of it.
func tonal(samples []float64) bool {
	for lag := len(samples) / 20; lag <= len(samples)/2; lag++ {
		var product, first, second float64
		for i, x := range samples[lag:] {
			y := samples[i]
			product, first, second = product+x*y, first+x*x, second+y*y
		}
		if product > pitch*math.Sqrt(first*second) {
			return true
		}
	}
	return false
}
