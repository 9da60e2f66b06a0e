# Kernel densities and Dagum's decomposition of the incomes of US states, with base R only.
# python tests/golden/cases.py FOLDER; cd tests/golden/us_states; Rscript recipe.R FOLDER > log.txt   (writes expected.json)
library(jsonlite)
folder <- commandArgs(TRUE)[1]
d <- read.csv(file.path(folder, "us_states.csv"), check.names = FALSE)
years <- c("1929", "1969", "2009")

curve <- function(year) {
  x <- d[[year]] / mean(d[[year]]); z <- seq(0.2, 2.2, by = 0.05); h <- bw.nrd0(x)
  binned <- density(x, bw = "nrd0", n = 4096, from = 0, to = 2.5)
  list(nrd0 = h, nrd = bw.nrd(x), SJ_ste = bw.SJ(x, nb = 100000, tol = 1e-10), grid = z,
       dens_exact_nrd0 = sapply(z, function(p) mean(dnorm(p, x, h))), dens_R_density_nrd0 = approx(binned$x, binned$y, z)$y)
}
# Dagum (1997), by its definition: every mean over all pairs, no shortcut
dagum <- function(year) {
  y <- d[[year]]; parts <- split(y, d$region); k <- length(parts); n <- length(y); m <- mean(y)
  mu <- sapply(parts, mean); p <- lengths(parts) / n; s <- sapply(parts, sum) / (n * m)
  g <- dd <- matrix(0, k, k); total <- c(G = 0, Gw = 0, Gnb = 0, Gt = 0)
  for (j in 1:k) for (h in 1:k) {
    gap <- outer(parts[[j]], parts[[h]], "-")
    g[j, h] <- mean(abs(gap)) / (mu[j] + mu[h])
    if (j == h) { total["Gw"] <- total["Gw"] + g[j, j] * p[j] * s[j]; next }
    if (mu[j] < mu[h]) gap <- -gap
    rich <- mean(pmax(gap, 0)); poor <- mean(pmax(-gap, 0)); dd[j, h] <- (rich - poor) / (rich + poor)
    total["Gnb"] <- total["Gnb"] + g[j, h] * p[j] * s[h] * dd[j, h]
    total["Gt"] <- total["Gt"] + g[j, h] * p[j] * s[h] * (1 - dd[j, h])
  }
  total["G"] <- mean(abs(outer(y, y, "-"))) / (2 * m)
  print(total)
  c(list(groups = names(parts)), as.list(total), list(G_jh = g, D_jh = dd))
}
write_json(list(
  program = R.version.string, data = "cases.us_states(), cases.us_regions()",
  expected = list(density = setNames(lapply(years, curve), years), dagum = setNames(lapply(years, dagum), years))),
  "expected.json", auto_unbox = TRUE, digits = NA, pretty = 1)
print(sessionInfo()$R.version$version.string)
