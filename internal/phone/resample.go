package phone

import "math"

// halfBand passes what is below a quarter of the rate: a sinc in a Hann window.
var halfBand = func() (taps [31]float64) {
	const middle = len(taps) / 2
	for i := range taps {
		x := float64(i-middle) / 2
		taps[i] = 0.5 * math.Pow(math.Cos(math.Pi*float64(i-middle)/float64(len(taps)+1)), 2)
		if x != 0 {
			taps[i] *= math.Sin(math.Pi*x) / (math.Pi * x)
		}
	}
	return taps
}()

// at is the recording at another rate: 8000 or 16000, as it has one of the two.
func (r Recording) at(rate int) []int16 {
	switch {
	case rate == r.Rate:
		return r.Samples
	case rate > r.Rate:
		wide := make([]float64, 2*len(r.Samples))
		for i, s := range r.Samples {
			wide[2*i] = 2 * float64(s)
		}
		return filter(wide, 1)
	}
	samples := make([]float64, len(r.Samples))
	for i, s := range r.Samples {
		samples[i] = float64(s)
	}
	return filter(samples, 2)
}

// filter applies halfBand, and keeps every so many samples.
func filter(in []float64, every int) (out []int16) {
	const middle = len(halfBand) / 2
	for i := 0; i < len(in); i += every {
		var sum float64
		for k, tap := range halfBand {
			if j := i + k - middle; j >= 0 && j < len(in) {
				sum += tap * in[j]
			}
		}
		out = append(out, int16(max(math.MinInt16, min(math.MaxInt16, math.Round(sum)))))
	}
	return out
}
